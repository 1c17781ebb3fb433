//! The routes that ask PostgreSQL, with SQLx as Axum's example `sqlx-postgres` shows it.
//!
//! The address comes from the environment: `POSTGRES_URL`, and `POSTGRES_POOL` for the number of
//! connections. Without an address there is no pool and there are no such routes.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    routing::get,
    Json, Router,
};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};

#[derive(Serialize)]
struct Item {
    id: i32,
    name: String,
    description: String,
}

#[derive(Serialize)]
struct Stock {
    id: i32,
    stock: i32,
}

#[derive(Deserialize)]
struct NewStock {
    stock: i32,
}

type Answer<T> = Result<Json<T>, StatusCode>;

impl From<(i32, String, String)> for Item {
    fn from((id, name, description): (i32, String, String)) -> Self {
        Item {
            id,
            name,
            description,
        }
    }
}

impl From<(i32, i32)> for Stock {
    fn from((id, stock): (i32, i32)) -> Self {
        Stock { id, stock }
    }
}

/// What is no row is not found; all else that goes wrong is ours.
fn answer<R, T: From<R>>(found: Result<Option<R>, sqlx::Error>) -> Answer<T> {
    match found {
        Ok(Some(row)) => Ok(Json(row.into())),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn read_item(State(pool): State<PgPool>, Path(item): Path<i32>) -> Answer<Item> {
    let query = sqlx::query_as("SELECT id, name, description FROM items WHERE id = $1");
    let found: Result<Option<(i32, String, String)>, _> =
        query.bind(item).fetch_optional(&pool).await;
    answer(found)
}

async fn read_stock(State(pool): State<PgPool>, Path(item): Path<i32>) -> Answer<Stock> {
    let query = sqlx::query_as("SELECT id, stock FROM items WHERE id = $1");
    let found: Result<Option<(i32, i32)>, _> = query.bind(item).fetch_optional(&pool).await;
    answer(found)
}

async fn write_stock(
    State(pool): State<PgPool>,
    Path(item): Path<i32>,
    Json(body): Json<NewStock>,
) -> Answer<Stock> {
    let query = sqlx::query_as("UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock");
    let query = query.bind(item).bind(body.stock);
    let found: Result<Option<(i32, i32)>, _> = query.fetch_optional(&pool).await;
    answer(found)
}

/// The routes with their pool; none without an address.
pub async fn routes() -> Result<Router, Box<dyn std::error::Error>> {
    let url = std::env::var("POSTGRES_URL").unwrap_or_default();
    if url.is_empty() {
        return Ok(Router::new());
    }
    let size = std::env::var("POSTGRES_POOL")?.parse()?;
    let pool = PgPoolOptions::new()
        .min_connections(size)
        .max_connections(size)
        .connect(&url)
        .await?;
    Ok(Router::new()
        .route("/db/items/{item}", get(read_item).put(write_stock))
        .route("/db/items/{item}/stock", get(read_stock))
        .with_state(pool))
}
