//! As much of HTTP/1.1 as the servers of drills speak: one request and one answer on each connection.

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// The longest body that is read.
const BODY_BYTES: usize = 16 << 20;

/// Reads a request; its body.
pub(super) async fn body(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    request(stream).await.map(|(_, body)| body)
}

/// Reads a request; whether it asks for something (POST), and its body.
pub(super) async fn request(stream: &mut BufReader<TcpStream>) -> std::io::Result<(bool, Vec<u8>)> {
    let (mut line, mut length, mut asks) = (String::new(), 0_usize, false);
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        asks |= line.starts_with("POST ");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length.min(BODY_BYTES)];
    stream.read_exact(&mut body).await?;
    Ok((asks, body))
}

/// Writes a whole answer, after which the connection closes. `status` may hold further headers.
pub(super) async fn answer(
    stream: &mut BufReader<TcpStream>,
    status: &str,
    kind: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}

/// Begins an answer that is as long as its connection.
pub(super) async fn begin_stream(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}
