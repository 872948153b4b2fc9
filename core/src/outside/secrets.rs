//! What an endpoint or an agent says of itself may hold what nobody else is to read: it likes to repeat the key that it was
//! asked with, or the address with the key in it.

/// So many letters and digits in one run, of both, are a key and no word: names of models and versions have joints.
const MIN_KEY: usize = 16;
/// What stands for a secret.
const HIDDEN: &str = "***";

/// Without the words that look like keys, and of addresses without what may be secret in them: who asks, and the query.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut after_bearer = false;
    let hide = |word: &str| {
        let is_told = std::mem::replace(&mut after_bearer, word.trim().eq_ignore_ascii_case("bearer"));
        if is_told { HIDDEN.to_owned() } else { without_keys(&without_query(word)) }
    };
    text.split(' ').map(hide).collect::<Vec<_>>().join(" ")
}

fn without_query(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let end = rest.find(['?', '#', '"', '\'', '<', '>', ')']).unwrap_or(rest.len());
    let (address, behind) = rest.split_at(end);
    let host = address.find('/').unwrap_or(address.len());
    let address = match address[..host].rfind('@') {
        Some(at) => format!("{HIDDEN}{}", &address[at..]),
        None => address.to_owned(),
    };
    let behind = if behind.starts_with(['?', '#']) { format!("?{HIDDEN}") } else { behind.to_owned() };
    format!("{scheme}://{address}{behind}")
}

fn without_keys(word: &str) -> String {
    let is_joint = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '='));
    let (mut kept, mut rest) = (String::new(), word);
    while !rest.is_empty() {
        let begins = rest.find(|c| !is_joint(c)).unwrap_or(rest.len());
        let ends = rest[begins..].find(is_joint).map_or(rest.len(), |found| begins + found);
        kept.push_str(&rest[..begins]);
        let run = &rest[begins..ends];
        kept.push_str(if is_key(run) { HIDDEN } else { run });
        rest = &rest[ends..];
    }
    kept
}

fn is_key(run: &str) -> bool {
    let opaque = |part: &str| {
        let (digits, letters) =
            (part.bytes().any(|b| b.is_ascii_digit()), part.bytes().any(|b| b.is_ascii_alphabetic()));
        part.len() >= MIN_KEY && digits && letters
    };
    run.starts_with("sk-") || run.split(['-', '_', '.', '=']).any(opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_addresses_with_them_are_hidden_and_names_are_not() {
        for (said, shown) in [
            ("bad key sk-abc, sorry", "bad key ***, sorry"),
            ("Authorization: Bearer abc def", "Authorization: Bearer *** def"),
            ("no such key at http://h:1/v1?key=SECRET", "no such key at http://h:1/v1?***"),
            ("see http://user:PASS@h/x", "see http://***@h/x"),
            ("key AIzaSyD4x0aBcDeFgHiJkLmNoPq", "key ***"),
            ("(hf_abcdEFGH0123456789abcd)", "(***)"),
            (
                "no model Qwen2.5-Coder-1.5B-Instruct at https://h/v1",
                "no model Qwen2.5-Coder-1.5B-Instruct at https://h/v1",
            ),
            ("claude-sonnet-4-20250514 is away", "claude-sonnet-4-20250514 is away"),
            (
                "an internationalisation of 12345678901234567890",
                "an internationalisation of 12345678901234567890",
            ),
        ] {
            assert_eq!(without_secrets(said), shown);
        }
    }
}
