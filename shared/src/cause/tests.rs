use super::*;
use rustls::{AlertDescription, InvalidMessage, OtherError};
use std::{io::Read, net::TcpListener, sync::Arc};

fn tls(error: Tls) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

fn certificate(error: CertificateError) -> io::Error {
    tls(Tls::InvalidCertificate(error))
}

#[test]
fn what_the_kernel_and_libraries_report_is_told_by_its_type() {
    let own = |text: &'static str| CertificateError::Other(OtherError(Arc::new(io::Error::other(text))));
    for (error, cause) in [
        (io::Error::from_raw_os_error(111), Cause::Refused),
        (io::Error::from_raw_os_error(104), Cause::Broken),
        (io::Error::from_raw_os_error(113), Cause::NoWay),
        (io::Error::from_raw_os_error(98), Cause::PortInUse),
        (io::Error::from_raw_os_error(99), Cause::NoAddress),
        (io::Error::from_raw_os_error(2), Cause::NoFile),
        (io::Error::from_raw_os_error(13), Cause::NotAllowed),
        (io::Error::from_raw_os_error(21), Cause::Folder),
        (io::Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"), Cause::NoText),
        (io::Error::new(ErrorKind::UnexpectedEof, "during chunk size line"), Cause::Broken),
        (certificate(own("CaUsedAsEndEntity")), Cause::Authority),
        (certificate(own("NewKind")), Cause::Certificate),
        (certificate(CertificateError::UnknownIssuer), Cause::Untrusted),
        (certificate(CertificateError::Expired), Cause::Expired),
        (certificate(CertificateError::NotValidForName), Cause::OtherName),
        (tls(Tls::InvalidMessage(InvalidMessage::InvalidContentType)), Cause::NoTls),
        (tls(Tls::AlertReceived(AlertDescription::HandshakeFailure)), Cause::Handshake),
        (io::Error::other("failed to lookup address information: x"), Cause::UnknownName),
        (io::Error::from_raw_os_error(28), Cause::Other("No space left on device".to_owned())),
    ] {
        assert_eq!(Cause::of(&error), cause, "{error:?}");
    }
}

#[test]
fn what_is_not_json_says_from_where_on_and_other_json_names_the_field() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code, reason = "only whether it can be read is of interest")]
        text: String,
    }
    for (text, said) in [
        (r#"{"text":"#, "its JSON ends too early, at line 1, column 8"),
        ("{\n<html>", "it is not JSON from line 2, column 1 on (key must be a string)"),
        ("{}", "missing field `text`, at line 1, column 2"),
        (r#"{"text": 5}"#, "invalid type: integer `5`, expected a string, at line 1, column 10"),
    ] {
        let error = serde_json::from_str::<Body>(text).unwrap_err();
        assert_eq!(Cause::of(&error).to_string(), said, "{text}");
    }
}

#[test]
fn what_is_no_url_says_what_it_lacks() {
    for (text, cause) in [
        ("h/v1", Cause::NoUrl),
        ("foo", Cause::NoUrl),
        ("http://", Cause::NoHost),
        ("http://a b/", Cause::NoHost),
        ("http://[::g]/", Cause::NoHost),
        ("http://a:99999/", Cause::NoPort),
    ] {
        let error = url::Url::parse(text).unwrap_err();
        assert_eq!(Cause::of(&error), cause, "{text}");
        assert_eq!(Cause::by_text(&format!("{error}: {text:?}")), cause, "{text}, within a larger value");
    }
}

#[test]
fn pem_that_cannot_be_read_or_is_half_of_it_is_told_apart() {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let missing = CertificateDer::from_pem_file("/nowhere/ca.pem").unwrap_err();
    let half = CertificateDer::from_pem_slice(b"-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap_err();
    assert_eq!((Cause::of(&missing), Cause::of(&half)), (Cause::NoFile, Cause::NoPem));
}

/// Takes one connection, reads what is asked and answers with these bytes.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = stream.read(&mut [0; 4096]).unwrap();
        assert!(asked > 0);
        io::Write::write_all(&mut stream, answer).ok();
    });
    url
}

#[tokio::test]
async fn what_answers_a_client_of_http_wrongly_is_told_by_what_it_did() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, url, cause) in [
        ("an alert of TLS", answering(b"\x15\x03\x01\x00\x02\x02\x46"), Cause::PlainHttp),
        ("nothing", answering(b""), Cause::Broken),
        ("half a body", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), Cause::Broken),
        (
            "half a chunk",
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"),
            Cause::Broken,
        ),
        ("nobody", format!("http://{closed}/"), Cause::Refused),
        ("no name", "http://nobody.invalid/".to_owned(), Cause::UnknownName),
    ] {
        let error = match client.get(url).send().await {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(Cause::of(&error), cause, "{name}: {error:?}");
    }
}

#[test]
fn what_has_no_type_is_told_by_its_text() {
    for (text, cause) in [
        ("Invalid chunk size line: missing", Cause::NoHttp),
        ("connection error detected: frame with invalid size", Cause::NoHttp2),
        ("failed to lookup address information: no such name", Cause::UnknownName),
        ("what it is (os error 7)", Cause::Other("what it is".into())),
    ] {
        assert_eq!(Cause::by_text(text), cause, "{text}");
    }
}
