//! One request of an HTTP/2 connection and its answer: Pingora's session, with the bounds in time that Pingora gives to
//! HTTP/1 bodies alone, and with its answer's bytes counted. All else is passed on as it is.

use super::{guest::Visit, hold::Share};
use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use http::HeaderMap;
use pingora::{
    Error,
    ErrorType::ReadTimedout,
    Result,
    http::{RequestHeader, ResponseHeader},
    protocols::{
        Digest,
        http::{
            HttpTask,
            custom::{CustomMessageWrite, server::Session},
            v2::server::HttpSession,
        },
        l4::socket::SocketAddr,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

type Messages = Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>;

/// A request and its answer.
pub struct Exchange {
    inner: HttpSession,
    digest: Digest,
    share: Option<Arc<Share>>,
    read_timeout: Option<Duration>,
    /// When the whole body must have come.
    until: Instant,
}

impl Exchange {
    /// A request whose head has come.
    #[must_use]
    pub fn new(inner: HttpSession, digest: Digest, visit: Visit, until: Instant) -> Self {
        let share = visit.share.clone();
        let digest = Digest { proxy_digest: visit.packed(), ..digest };
        Self { inner, digest, share, read_timeout: None, until }
    }

    /// The next part of the body, within the time for one read and that for all of them.
    async fn part(&mut self) -> Result<Option<Bytes>> {
        let silence = self.read_timeout.map_or(self.until, |silence| Instant::now() + silence);
        match timeout_at(silence.min(self.until), self.inner.read_body_bytes()).await {
            Ok(part) => part,
            Err(_) => Err(Error::explain(ReadTimedout, "the body took too long")),
        }
    }

    fn went(&self, count: usize) {
        if let Some(share) = &self.share {
            share.went(count);
        }
    }
}

#[async_trait]
impl Session for Exchange {
    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        self.part().await
    }

    async fn read_body_or_idle(&mut self, no_body_expected: bool) -> Result<Option<Bytes>> {
        match no_body_expected || self.inner.is_body_done() {
            true => self.inner.read_body_or_idle(true).await,
            false => self.part().await,
        }
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        while !self.inner.is_body_done() && self.part().await?.is_some() {}
        Ok(())
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        let count = data.len();
        self.inner.write_body(data, end).await?;
        self.went(count);
        Ok(())
    }

    async fn response_duplex_vec(&mut self, tasks: Vec<HttpTask>) -> Result<bool> {
        let count = tasks.iter().map(bytes_of).sum();
        let ended = self.inner.response_duplex_vec(tasks).await?;
        self.went(count);
        Ok(ended)
    }

    async fn finish(&mut self) -> Result<()> {
        if let Err(error) = self.inner.finish() {
            // The client has reset the stream, or is gone; Pingora would write a line at `ERROR` for each.
            tracing::debug!(%error, "an answer could not be ended");
        }
        Ok(())
    }

    async fn shutdown(&mut self, code: u32, _ctx: &str) {
        self.inner.shutdown_with_reason(code.into());
    }

    async fn abandon(&mut self, _ctx: &str) {
        self.inner.shutdown();
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.read_timeout = timeout;
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.read_timeout
    }

    fn digest(&self) -> Option<&Digest> {
        Some(&self.digest)
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        Some(&mut self.digest)
    }

    fn req_header(&self) -> &RequestHeader {
        self.inner.req_header()
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.inner.req_header_mut()
    }

    async fn write_response_header(&mut self, answer: Box<ResponseHeader>, end: bool) -> Result<()> {
        self.inner.write_response_header(answer, end)
    }

    async fn write_response_header_ref(&mut self, answer: &ResponseHeader, end: bool) -> Result<()> {
        self.inner.write_response_header_ref(answer, end)
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.inner.write_trailers(trailers)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_write_timeout(timeout);
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.inner.get_write_timeout()
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_total_drain_timeout(timeout);
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.inner.get_total_drain_timeout()
    }

    fn request_summary(&self) -> String {
        self.inner.request_summary()
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.inner.response_written()
    }

    fn is_body_done(&mut self) -> bool {
        self.inner.is_body_done()
    }

    fn is_body_empty(&mut self) -> bool {
        self.inner.is_body_empty()
    }

    fn body_bytes_sent(&self) -> usize {
        self.inner.body_bytes_sent()
    }

    fn body_bytes_read(&self) -> usize {
        self.inner.body_bytes_read()
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.inner.client_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.inner.server_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.pseudo_raw_h1_request_header()
    }

    fn enable_retry_buffering(&mut self) {
        self.inner.enable_retry_buffering();
    }

    fn retry_buffer_truncated(&self) -> bool {
        self.inner.retry_buffer_truncated()
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        self.inner.get_retry_buffer()
    }

    // HTTP/2 has no messages beside body and trailers.

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(&mut self) -> Option<Messages> {
        None
    }

    fn restore_custom_message_reader(&mut self, _reader: Messages) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(&mut self, _writer: Box<dyn CustomMessageWrite>) -> Result<()> {
        Ok(())
    }
}

fn bytes_of(task: &HttpTask) -> usize {
    match task {
        HttpTask::Body(Some(data), _) => data.len(),
        _ => 0,
    }
}
