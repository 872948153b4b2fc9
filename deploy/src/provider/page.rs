//! What a person sees of the development provider: who they want to be, and that this is no real sign-in.

use super::users::USERS;

/// The choice; `query` is the question, which is asked again with a name.
#[must_use]
pub(super) fn choose(query: &str) -> String {
    let query = query.replace('&', "&amp;");
    let links = USERS.iter().map(|user| {
        let (id, name, roles) = (user.id, user.name, user.roles.join(", "));
        format!(
            "<p><a href=\"/authorize?{query}&amp;login_hint={id}\">Sign in as <b>{name}</b></a> ({roles})</p>"
        )
    });
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Development sign-in</title>\
         <style>body{{font:1rem/1.5 system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem}}</style>\
         <h1>Development sign-in</h1>\
         <p>This provider is for development: it asks for no password, and listens on this machine alone.</p>{}",
        links.collect::<String>()
    )
}
