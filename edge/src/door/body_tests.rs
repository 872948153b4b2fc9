use super::*;

/// In one piece and byte by byte; whether it is over.
fn read(bytes: &[u8]) -> Result<bool, Broken> {
    let mut whole = Body::new(Framing::Chunked);
    let at_once = whole.look(bytes).map(|()| whole.is_over());
    let mut dripped = Body::new(Framing::Chunked);
    let one_by_one = bytes.chunks(1).try_for_each(|byte| dripped.look(byte)).map(|()| dripped.is_over());
    assert_eq!(at_once, one_by_one, "{}", bytes.escape_ascii());
    at_once
}

#[test]
fn chunks_as_the_standard_has_them_are_read_to_their_end() {
    for good in [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "000A;a=b;c\r\n0123456789\r\n00\r\n\r\n",
        "1;a=\"b\"\r\nx\r\n0;z\r\nx-sum: 1 2\tä\r\ny:\r\n\r\n",
        "1;a=\"b; c=\\\"d\\\\ \";e\r\nx\r\n0;a=\"\"\r\n\r\n",
        "0\r\nhost-of-mine: x\r\nhosts: x\r\nx-host: x\r\nshort: x\r\n\r\n",
        "0\r\n\r\nGET / HTTP/1.1\r\n",
        "4\r\n\r\n\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(read(good.as_bytes()), Ok(true), "{good:?}");
        let half = &good.as_bytes()[..good.find("0\r\n\r\n").unwrap_or(2).max(1)];
        assert_eq!(read(half), Ok(false), "{}", half.escape_ascii());
    }
}

#[test]
fn chunks_that_could_be_read_in_two_ways_are_refused() {
    for bad in [
        "5\r\nhello\r\n\r\n\r\n",
        "\r\n",
        ";a=b\r\n",
        " \r\n",
        "5 \r\n",
        " 5\r\n",
        "\t5\r\n",
        "5 ;a\r\n",
        "5; a\r\n",
        "5;a =b\r\n",
        "5;\r\n",
        "5;;a\r\n",
        "5;a=\r\n",
        "5;=b\r\n",
        "5;a=b=c\r\n",
        "5;a=\"b\r\n",
        "5;a=\"\r\nhello\r\n0;b=\"\r\n\r\n",
        "5;a=\"b\\\"\r\n",
        "5;a=\"b\"c\r\n",
        "5;a=b\"c\"\r\n",
        "5;\"a\"\r\n",
        "5;a,b\r\n",
        "5;a\nhello",
        "5\nhello",
        "5\rhello",
        "5;a\rb\r\n",
        "0x5\r\n",
        "+5\r\n",
        "-1\r\n",
        "5_0\r\n",
        "00000000000000005\r\n",
        "fffffffffffffffff\r\n",
        "5\r\nhello0\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloo\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\nx: y\n\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\nx : y\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nx\r\n\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
        "0\r\nx: \0\r\n\r\n",
    ] {
        assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn what_only_a_head_may_say_is_refused_behind_a_body() {
    let families = ["if-match", "sec-websocket-key", "x-forwarded-for", "x-switchboard-identity"];
    for name in FORBIDDEN.iter().chain(&families) {
        for name in [(*name).to_owned(), name.to_ascii_uppercase()] {
            assert!(name.len() <= LONGEST_FORBIDDEN, "{name}");
            let trailer = format!("0\r\nx-sum: 1\r\n{name}: x\r\n\r\n");
            assert!(read(trailer.as_bytes()).is_err(), "{name}");
        }
    }
}

#[test]
fn what_stands_between_chunks_is_bounded() {
    let long = format!("5;{}", "a".repeat(MAX_LINE));
    assert!(read(long.as_bytes()).is_err());
    let many = "1;aaaaaaaaaaaaaaaa\r\nx\r\n".repeat(MAX_EXTRA / 16 + 1);
    assert!(read(many.as_bytes()).is_err());
    let fields = format!("0\r\n{}", "x: yyyyyyyyyyyyyyyyyyyy\r\n".repeat(MAX_EXTRA / 20));
    assert!(read(fields.as_bytes()).is_err());
}

#[test]
fn a_body_with_a_length_is_over_after_it() {
    let mut body = Body::new(Framing::Length(5));
    body.look(b"hel").unwrap();
    assert!(!body.is_over());
    body.look(b"loGET /").unwrap();
    assert!(body.is_over());
    assert!(Body::new(Framing::Length(0)).is_over() && Body::new(Framing::None).is_over());
}
