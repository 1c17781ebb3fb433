//! Routes for what real services do besides JSON, as Axum's own documentation and examples show
//! them: a wait, forms, uploads, validation, files, a stream of events.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Bytes,
    extract::{rejection::JsonRejection, FromRequest, Multipart, Path, Request},
    http::StatusCode,
    response::{
        sse::{Event, Sse},
        IntoResponse, Response,
    },
    routing::{get, post},
    Form, Json, Router,
};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_stream::{Stream, StreamExt};
use tower_http::{compression::CompressionLayer, services::ServeDir, CompressionLevel};
use validator::Validate;

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

#[derive(Deserialize, Serialize, Validate)]
struct Signup {
    #[validate(range(min = 1))]
    id: u64,
    #[validate(length(min = 2, max = 40))]
    display_name: String,
    #[validate(email)]
    email: String,
    #[validate(range(min = 1, max = 99))]
    seats: u32,
    #[validate(length(max = 5))]
    tags: Vec<String>,
    note: String,
}

/// JSON whose content was validated, as in Axum's example "validator".
struct ValidatedJson<T>(T);

enum Refused {
    Json(JsonRejection),
    Content(validator::ValidationErrors),
}

impl<T, S> FromRequest<S> for ValidatedJson<T>
where
    T: DeserializeOwned + Validate,
    S: Send + Sync,
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Json(value) = Json::<T>::from_request(request, state)
            .await
            .map_err(Refused::Json)?;
        value.validate().map_err(Refused::Content)?;
        Ok(Self(value))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Json(rejection) => rejection.into_response(),
            Self::Content(errors) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(errors)).into_response()
            }
        }
    }
}

fn hex(data: &[u8]) -> String {
    Sha256::digest(data)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn delay(Path(ms): Path<u64>) -> Json<Waited> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Json(Waited { waited_ms: ms })
}

async fn form(Form(contact): Form<Contact>) -> Json<Contact> {
    Json(contact)
}

async fn multipart(mut fields: Multipart) -> Result<Json<Photo>, Response> {
    let mut photo = Photo {
        title: String::new(),
        filename: String::new(),
        bytes: 0,
        sha256: String::new(),
    };
    while let Some(field) = fields.next_field().await.map_err(|e| e.into_response())? {
        if field.name() == Some("title") {
            photo.title = field.text().await.map_err(|e| e.into_response())?;
        } else {
            photo.filename = field.file_name().unwrap_or_default().to_owned();
            let content = field.bytes().await.map_err(|e| e.into_response())?;
            photo.bytes = content.len();
            photo.sha256 = hex(&content);
        }
    }
    Ok(Json(photo))
}

async fn upload(body: Bytes) -> Json<Upload> {
    Json(Upload {
        bytes: body.len(),
        sha256: hex(&body),
    })
}

async fn validate(ValidatedJson(signup): ValidatedJson<Signup>) -> Json<Signup> {
    Json(signup)
}

async fn events(Path(topic): Path<String>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let numbers = tokio_stream::iter(1..=20);
    Sse::new(numbers.then(move |number| {
        let event = Event::default().data(format!("{topic} {number}"));
        async move {
            if number > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(event)
        }
    }))
}

pub fn routes() -> Router {
    let compressed = Router::new().fallback_service(ServeDir::new("static")).layer(
        CompressionLayer::new()
            .gzip(true)
            .quality(CompressionLevel::Precise(6)),
    );
    Router::new()
        .route("/delay/{ms}", get(delay))
        .route("/form", post(form))
        .route("/multipart", post(multipart))
        .route("/upload", post(upload))
        .route("/validate", post(validate))
        .route("/events/{topic}", get(events))
        .nest_service("/static", ServeDir::new("static"))
        .nest("/static-gzip", compressed)
}
