//! Files of an answer as chat programs can show them: links behind its text. Who opens one has to be signed in there.

use switchboard_shared::{api::FileView, ids::ConversationId};

/// A line for each file.
pub(super) fn links(origin: &str, conversation: ConversationId, files: &[FileView]) -> String {
    let link = |file: &FileView| {
        let id = file.id.as_ref()?;
        let name: String = file.name.chars().map(|c| if "[]\\<>`".contains(c) { '_' } else { c }).collect();
        Some(format!("\n\n[{name}]({origin}/v1/conversations/{conversation}/files/{id})"))
    };
    files.iter().filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_link_that_its_name_cannot_break() {
        let file = FileView {
            id: "7-0".parse().ok(),
            agent: "a".parse().ok(),
            name: "a](http://evil.example)[b.csv".into(),
            media_type: "text/csv".into(),
            bytes: 3,
        };
        let conversation = ConversationId::new();
        let expected = format!(
            "\n\n[a_(http://evil.example)_b.csv](https://h/v1/conversations/{conversation}/files/7-0)"
        );
        assert_eq!(links("https://h", conversation, std::slice::from_ref(&file)), expected);
        assert_eq!(links("https://h", conversation, &[FileView { id: None, ..file }]), "");
    }
}
