//! The routes that ask PostgreSQL, with deadpool-postgres as Actix's example `databases/postgres`
//! shows it.
//!
//! The address comes from the environment: `POSTGRES_URL`, and `POSTGRES_POOL` for the number of
//! connections of all workers together. Without an address there is no pool and there are no such
//! routes.

use actix_web::{
    error::{ErrorInternalServerError, ErrorNotFound},
    get, put, web, Responder, Result,
};
use deadpool_postgres::{
    tokio_postgres::{types::ToSql, NoTls, Row},
    Config, Pool, PoolConfig, Runtime,
};
use serde::{Deserialize, Serialize};

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

/// What is no row is not found; all else that goes wrong is ours.
async fn row(pool: &Pool, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Row> {
    let client = pool.get().await.map_err(ErrorInternalServerError)?;
    let statement = client
        .prepare_cached(query)
        .await
        .map_err(ErrorInternalServerError)?;
    client
        .query_opt(&statement, values)
        .await
        .map_err(ErrorInternalServerError)?
        .ok_or_else(|| ErrorNotFound("no such item"))
}

fn stock(row: &Row) -> web::Json<Stock> {
    web::Json(Stock {
        id: row.get("id"),
        stock: row.get("stock"),
    })
}

#[get("/db/items/{item}")]
async fn read_item(pool: web::Data<Pool>, item: web::Path<i32>) -> Result<impl Responder> {
    let query = "SELECT id, name, description FROM items WHERE id = $1";
    let found = row(&pool, query, &[&*item]).await?;
    Ok(web::Json(Item {
        id: found.get("id"),
        name: found.get("name"),
        description: found.get("description"),
    }))
}

#[get("/db/items/{item}/stock")]
async fn read_stock(pool: web::Data<Pool>, item: web::Path<i32>) -> Result<impl Responder> {
    let query = "SELECT id, stock FROM items WHERE id = $1";
    Ok(stock(&row(&pool, query, &[&*item]).await?))
}

#[put("/db/items/{item}")]
async fn write_stock(
    pool: web::Data<Pool>,
    item: web::Path<i32>,
    body: web::Json<NewStock>,
) -> Result<impl Responder> {
    let query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock";
    Ok(stock(&row(&pool, query, &[&*item, &body.stock]).await?))
}

/// The pool that all workers share; none without an address.
pub fn pool() -> Result<Option<Pool>, Box<dyn std::error::Error>> {
    let url = std::env::var("POSTGRES_URL").unwrap_or_default();
    if url.is_empty() {
        return Ok(None);
    }
    let size = std::env::var("POSTGRES_POOL")?.parse()?;
    let config = Config {
        url: Some(url),
        pool: Some(PoolConfig::new(size)),
        ..Config::default()
    };
    Ok(Some(config.create_pool(Some(Runtime::Tokio1), NoTls)?))
}

pub fn configure(config: &mut web::ServiceConfig, pool: Option<Pool>) {
    if let Some(pool) = pool {
        config
            .app_data(web::Data::new(pool))
            .service(read_item)
            .service(read_stock)
            .service(write_stock);
    }
}
