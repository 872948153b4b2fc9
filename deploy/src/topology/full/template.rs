//! The files of `deploy/full`, with `{{name}}` filled in.

use std::path::Path;

/// A file with these values in their places.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

/// A path as YAML holds it.
pub(super) fn yaml(path: &Path) -> String {
    yaml_text(&path.to_string_lossy())
}

/// A text as YAML holds it: a string of JSON is one of YAML (YAML 1.2, 1.3).
pub(super) fn yaml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path in a command that Postgres gives to a shell: a percent sign would name something there.
pub(super) fn shell(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for (template, names) in [
            (super::super::backup::TEMPLATE, super::super::backup::VALUES),
            (super::super::etcd::TEMPLATE, super::super::etcd::VALUES),
            (super::super::patroni::TEMPLATE, super::super::patroni::VALUES),
            (super::super::shards::TEMPLATE, super::super::shards::VALUES),
        ] {
            let values: Vec<_> = names.iter().map(|name| (*name, "1")).collect();
            let text = filled(template, &values);
            let settings = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let left: Vec<_> = settings.filter(|line| line.contains("{{")).collect();
            assert!(left.is_empty(), "{left:?}");
            for name in names {
                assert!(template.contains(&format!("{{{{{name}}}}}")), "{name} is not in the file");
            }
        }
    }

    #[test]
    fn a_path_with_signs_in_it_is_one_string() {
        assert_eq!(yaml(Path::new("/a \"b\": {c}")), r#""/a \"b\": {c}""#);
        assert_eq!(shell(Path::new("/it's 5%")), r"'/it'\''s 5%%'");
    }
}
