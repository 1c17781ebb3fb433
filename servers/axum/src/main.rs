//! The workloads' routes in Axum, written as Axum's own documentation shows them.
//!
//! Usage: `axum-server PORT`, or `axum-server --version` for the version of Axum. Threads come from `TOKIO_WORKER_THREADS`, what is spoken from `PROTOCOL` (http, https, h2, h2c), `TLS_CERT`, `TLS_KEY` and `TLS_RESUME`. No logging, no middleware.

mod database;
mod services;

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Path, Query},
    routing::{get, post, put},
    Json, Router,
};
use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer},
    server::NoServerSessionStorage,
    ServerConfig,
};
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

async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn plaintext() -> &'static str {
    "Hello, World!"
}

async fn echo(Json(body): Json<Value>) -> Json<Value> {
    Json(body)
}

async fn user_post(Path((user_id, post_id)): Path<(u64, u64)>) -> Json<Post> {
    Json(Post { user_id, post_id })
}

async fn search(Query(query): Query<Search>) -> Json<Search> {
    Json(query)
}

async fn update_user(Path(user_id): Path<u64>, Json(updated): Json<Value>) -> Json<Updated> {
    Json(Updated { user_id, updated })
}

async fn delete_user(Path(user_id): Path<u64>) -> Json<Deleted> {
    Json(Deleted {
        user_id,
        deleted: true,
    })
}

fn app() -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/plaintext", get(plaintext))
        .route("/json/small", post(echo))
        .route("/json/medium", post(echo))
        .route("/json/large", post(echo))
        .route("/json/varied", post(echo))
        .route("/users/{user_id}/posts/{post_id}", get(user_post))
        .route("/users/{user_id}", put(update_user).delete(delete_user))
        .route("/search", get(search))
        .merge(services::routes())
}

/// The version of Axum that this binary was built with, as Cargo.lock names it.
fn axum_version() -> &'static str {
    LOCK.split_once("name = \"axum\"\nversion = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}

/// TLS with the protocol that is asked for alone, so that no client gets another one.
fn tls(protocol: &str) -> Result<RustlsConfig, Box<dyn std::error::Error>> {
    let chain = CertificateDer::pem_file_iter(env::var("TLS_CERT")?)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(env::var("TLS_KEY")?)?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = match protocol {
        "h2" => vec![b"h2".to_vec()],
        _ => vec![b"http/1.1".to_vec()],
    };
    if env::var("TLS_RESUME").as_deref() == Ok("false") {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = env::args().nth(1).ok_or("usage: axum-server PORT [ADDRESS]")?;
    if argument == "--version" {
        println!("{}", axum_version());
        return Ok(());
    }
    let host = env::args().nth(2).unwrap_or_else(|| Ipv4Addr::LOCALHOST.to_string());
    let address = SocketAddr::new(host.parse()?, argument.parse()?);
    let app = app().merge(database::routes().await?);
    let protocol = env::var("PROTOCOL").unwrap_or_default();
    if matches!(protocol.as_str(), "https" | "h2") {
        let server = axum_server::bind_rustls(address, tls(&protocol)?);
        return Ok(server.serve(app.into_make_service()).await?);
    }
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
