//! The workloads' routes in Actix Web, written as Actix's own documentation shows them.
//!
//! Usage: `actix-server PORT WORKERS ADDRESS`, or `actix-server --version` for the version of Actix Web. No
//! logging, no middleware.

mod database;
mod services;

use actix_web::{delete, get, post, put, web, App, HttpResponse, HttpServer, Responder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Post {
    user_id: u64,
    post_id: u64,
}

#[derive(Deserialize, Serialize)]
struct Search {
    q: String,
    limit: u32,
    offset: u32,
    #[serde(default = "relevance")]
    sort: String,
}

#[derive(Serialize)]
struct Updated {
    user_id: u64,
    updated: Value,
}

#[derive(Serialize)]
struct Deleted {
    user_id: u64,
    deleted: bool,
}

const LOCK: &str = include_str!("../Cargo.lock");

fn relevance() -> String {
    "relevance".to_owned()
}

#[get("/health")]
async fn health() -> impl Responder {
    HttpResponse::Ok().json(Health { status: "ok" })
}

#[get("/plaintext")]
async fn plaintext() -> impl Responder {
    "Hello, World!"
}

#[post("/json/{size:small|medium|large|varied}")]
async fn echo(body: web::Json<Value>) -> impl Responder {
    body
}

#[get("/users/{user_id}/posts/{post_id}")]
async fn user_post(path: web::Path<(u64, u64)>) -> impl Responder {
    let (user_id, post_id) = path.into_inner();
    web::Json(Post { user_id, post_id })
}

#[get("/search")]
async fn search(query: web::Query<Search>) -> impl Responder {
    web::Json(query.into_inner())
}

#[put("/users/{user_id}")]
async fn update_user(user_id: web::Path<u64>, body: web::Json<Value>) -> impl Responder {
    web::Json(Updated {
        user_id: user_id.into_inner(),
        updated: body.into_inner(),
    })
}

#[delete("/users/{user_id}")]
async fn delete_user(user_id: web::Path<u64>) -> impl Responder {
    web::Json(Deleted {
        user_id: user_id.into_inner(),
        deleted: true,
    })
}

/// The version of Actix Web that this binary was built with, as Cargo.lock names it.
fn actix_version() -> &'static str {
    LOCK.split_once("name = \"actix-web\"\nversion = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().ok_or("usage: actix-server PORT WORKERS ADDRESS")?;
    if first == "--version" {
        println!("{}", actix_version());
        return Ok(());
    }
    let workers = arguments.next().ok_or("usage: actix-server PORT WORKERS ADDRESS")?;
    let host = arguments.next().ok_or("usage: actix-server PORT WORKERS ADDRESS")?;
    let pool = database::pool()?;
    HttpServer::new(move || {
        App::new()
            .service(health)
            .service(plaintext)
            .service(echo)
            .service(user_post)
            .service(search)
            .service(update_user)
            .service(delete_user)
            .configure(services::configure)
            .configure(|config| database::configure(config, pool.clone()))
    })
    .workers(workers.parse()?)
    .bind((host, first.parse()?))?
    .run()
    .await?;
    Ok(())
}
