//! The HTTP endpoint: hyper on tokio's current-thread runtime, one task per connection.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::message::answer;

pub fn run(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("listening http://{}/mcp", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks is the client's affair.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)));
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    let mut reply = Vec::new();
    let answered = match request.into_body().collect().await {
        Ok(body) => answer(&body.to_bytes(), &mut reply).is_ok(),
        Err(_) => false,
    };
    if !answered {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    } else if reply.is_empty() {
        *response.status_mut() = StatusCode::ACCEPTED;
    } else {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
        *response.body_mut() = Full::from(reply);
    }
    Ok(response)
}
