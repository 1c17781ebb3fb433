// The workloads' routes with Go's own net/http, written as its documentation shows them.
//
// Usage: go-server PORT ADDRESS, or go-server --version for the version of Go. GOMAXPROCS says how many
// CPUs it uses. No logging, no middleware.
package main

import (
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
)

type object = map[string]any

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

func number(w http.ResponseWriter, text string) (int, bool) {
	value, err := strconv.Atoi(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return value, err == nil
}

func read(w http.ResponseWriter, r *http.Request) (object, bool) {
	var body object
	err := json.NewDecoder(r.Body).Decode(&body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return body, err == nil
}

func health(w http.ResponseWriter, r *http.Request) {
	answer(w, object{"status": "ok"})
}

func plaintext(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Write([]byte("Hello, World!"))
}

func echo(w http.ResponseWriter, r *http.Request) {
	if body, ok := read(w, r); ok {
		answer(w, body)
	}
}

func userPost(w http.ResponseWriter, r *http.Request) {
	user, ok := number(w, r.PathValue("user"))
	if !ok {
		return
	}
	if post, ok := number(w, r.PathValue("post")); ok {
		answer(w, object{"user_id": user, "post_id": post})
	}
}

func search(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, ok := number(w, query.Get("limit"))
	if !ok {
		return
	}
	offset, ok := number(w, query.Get("offset"))
	if !ok {
		return
	}
	sort := query.Get("sort")
	if sort == "" {
		sort = "relevance"
	}
	answer(w, object{"q": query.Get("q"), "limit": limit, "offset": offset, "sort": sort})
}

func updateUser(w http.ResponseWriter, r *http.Request) {
	user, ok := number(w, r.PathValue("user"))
	if !ok {
		return
	}
	if body, ok := read(w, r); ok {
		answer(w, object{"user_id": user, "updated": body})
	}
}

func deleteUser(w http.ResponseWriter, r *http.Request) {
	if user, ok := number(w, r.PathValue("user")); ok {
		answer(w, object{"user_id": user, "deleted": true})
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		os.Stdout.WriteString(runtime.Version() + "\n")
		return
	}
	if len(os.Args) != 3 {
		log.Fatal("usage: go-server PORT ADDRESS")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /plaintext", plaintext)
	for _, size := range []string{"small", "medium", "large", "varied"} {
		mux.HandleFunc("POST /json/"+size, echo)
	}
	mux.HandleFunc("GET /users/{user}/posts/{post}", userPost)
	mux.HandleFunc("GET /search", search)
	mux.HandleFunc("PUT /users/{user}", updateUser)
	mux.HandleFunc("DELETE /users/{user}", deleteUser)
	services(mux)
	if err := database(mux); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(net.JoinHostPort(os.Args[2], os.Args[1]), mux))
}
