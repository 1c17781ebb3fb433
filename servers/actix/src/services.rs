//! Routes for what real services do besides JSON, as Actix's own documentation shows them: a wait,
//! forms, uploads, files, a stream of events.

use std::{convert::Infallible, time::Duration};

use actix_files::Files;
use actix_multipart::form::{bytes::Bytes as FileBytes, text::Text, MultipartForm};
use actix_web::{get, middleware::Compress, post, rt, web, HttpResponse, Responder};
use async_stream::stream;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Serialize)]
struct Waited {
    waited_ms: u64,
}

#[derive(Deserialize, Serialize)]
struct Contact {
    name: String,
    email: String,
    city: String,
    note: String,
}

#[derive(MultipartForm)]
struct PhotoForm {
    title: Text<String>,
    file: FileBytes,
}

#[derive(Serialize)]
struct Photo {
    title: String,
    filename: String,
    bytes: usize,
    sha256: String,
}

#[derive(Serialize)]
struct Upload {
    bytes: usize,
    sha256: String,
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[get("/delay/{ms}")]
async fn delay(ms: web::Path<u64>) -> impl Responder {
    rt::time::sleep(Duration::from_millis(*ms)).await;
    web::Json(Waited {
        waited_ms: ms.into_inner(),
    })
}

#[post("/form")]
async fn form(contact: web::Form<Contact>) -> impl Responder {
    web::Json(contact.into_inner())
}

#[post("/multipart")]
async fn multipart(MultipartForm(photo): MultipartForm<PhotoForm>) -> impl Responder {
    web::Json(Photo {
        title: photo.title.into_inner(),
        filename: photo.file.file_name.unwrap_or_default(),
        bytes: photo.file.data.len(),
        sha256: hex(Sha256::digest(&photo.file.data)),
    })
}

#[post("/upload")]
async fn upload(mut payload: web::Payload) -> actix_web::Result<impl Responder> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        digest.update(&chunk);
        bytes += chunk.len();
    }
    Ok(web::Json(Upload {
        bytes,
        sha256: hex(digest.finalize()),
    }))
}

#[get("/events/{topic}")]
async fn events(topic: web::Path<String>) -> impl Responder {
    let events = stream! {
        for number in 1..=20 {
            if number > 1 {
                rt::time::sleep(Duration::from_millis(5)).await;
            }
            yield Ok::<_, Infallible>(web::Bytes::from(format!("data: {topic} {number}\n\n")));
        }
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(events)
}

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(delay)
        .service(form)
        .service(multipart)
        .service(upload)
        .service(events)
        .service(Files::new("/static", "static"))
        .service(
            web::scope("/static-gzip")
                .wrap(Compress::default())
                .service(Files::new("/", "static")),
        );
}
