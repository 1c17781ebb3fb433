package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type stock struct {
	ID    int32 `json:"id"`
	Stock int32 `json:"stock"`
}

type item struct {
	ID          int32  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// The routes that ask PostgreSQL, with pgx and its pool as their documentation shows them.
//
// The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the number of
// connections. Without an address there is no pool and there are no such routes.
func database(mux *http.ServeMux) error {
	url := os.Getenv("POSTGRES_URL")
	if url == "" {
		return nil
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(os.Getenv("POSTGRES_POOL"), 10, 32)
	if err != nil {
		return err
	}
	config.MinConns, config.MaxConns = int32(size), int32(size)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return err
	}
	mux.HandleFunc("GET /db/items/{item}", readItem(pool))
	mux.HandleFunc("GET /db/items/{item}/stock", readStock(pool))
	mux.HandleFunc("PUT /db/items/{item}", writeStock(pool))
	return nil
}

func readItem(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if id, ok := number(w, r.PathValue("item")); ok {
			row := pool.QueryRow(r.Context(), "SELECT id, name, description FROM items WHERE id = $1", id)
			var found item
			err := row.Scan(&found.ID, &found.Name, &found.Description)
			answerRow(w, found, err)
		}
	}
}

func readStock(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if id, ok := number(w, r.PathValue("item")); ok {
			answerStock(w, pool.QueryRow(r.Context(), "SELECT id, stock FROM items WHERE id = $1", id))
		}
	}
}

func writeStock(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := number(w, r.PathValue("item"))
		if !ok {
			return
		}
		var body stock
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		query := "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
		answerStock(w, pool.QueryRow(r.Context(), query, id, body.Stock))
	}
}

func answerStock(w http.ResponseWriter, row pgx.Row) {
	var found stock
	err := row.Scan(&found.ID, &found.Stock)
	answerRow(w, found, err)
}

// What is no row is not found; all else that goes wrong is ours.
func answerRow(w http.ResponseWriter, found any, err error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "no such item", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		answer(w, found)
	}
}
