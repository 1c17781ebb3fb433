package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"
)

const inMemory = 1 << 20

// What real services do besides JSON: a wait, forms, uploads, files, a stream of events.
func services(mux *http.ServeMux) {
	mux.HandleFunc("GET /delay/{ms}", delay)
	mux.HandleFunc("POST /form", form)
	mux.HandleFunc("POST /multipart", multipart)
	mux.HandleFunc("POST /upload", upload)
	mux.HandleFunc("GET /events/{topic}", events)
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
}

func delay(w http.ResponseWriter, r *http.Request) {
	if ms, ok := number(w, r.PathValue("ms")); ok {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		answer(w, object{"waited_ms": ms})
	}
}

func form(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fields := object{}
	for _, name := range []string{"name", "email", "city", "note"} {
		fields[name] = r.PostForm.Get(name)
	}
	answer(w, fields)
}

func hashed(w http.ResponseWriter, data io.Reader) (object, bool) {
	digest := sha256.New()
	count, err := io.Copy(digest, data)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, false
	}
	return object{"bytes": count, "sha256": hex.EncodeToString(digest.Sum(nil))}, true
}

func multipart(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(inMemory); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	file, header, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer file.Close()
	if seen, ok := hashed(w, file); ok {
		seen["title"] = r.FormValue("title")
		seen["filename"] = header.Filename
		answer(w, seen)
	}
}

func upload(w http.ResponseWriter, r *http.Request) {
	if seen, ok := hashed(w, r.Body); ok {
		answer(w, seen)
	}
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for number := 1; number <= 20; number++ {
		if number > 1 {
			time.Sleep(5 * time.Millisecond)
		}
		fmt.Fprintf(w, "data: %s %d\n\n", r.PathValue("topic"), number)
		control.Flush()
	}
}
