//! Files as parts: small ones with their bytes, others by their address, where the same credentials fetch them.

use super::shown::Place;
use crate::{
    core::Core,
    store::{View, reading},
    turn::Whose,
};
use switchboard_a2a::wire::Part;
use switchboard_shared::{api::FileView, identity::Identity};

/// Up to so many bytes a file comes whole.
const MAX_INLINE: u64 = 262_144;

/// A file as a part: whole where it is small, and there is room for it.
pub(super) async fn part(core: &Core, me: &Identity, place: &Place, file: &FileView) -> Part {
    let by_link = place.link(file);
    let Some(id) = file.id.as_ref().filter(|_| file.bytes <= MAX_INLINE) else { return by_link };
    let whose = Whose { tenant: me.tenant.clone(), user: me.user.clone() };
    let bytes = usize::try_from(file.bytes).unwrap_or(usize::MAX);
    let Some(_in_hand) = core.downloads.take(whose, bytes).await else { return by_link };
    let found =
        reading!(&core.store, &me.tenant, View::Latest, tx, tx.file(&me.tenant, place.conversation, id));
    match found {
        Ok(Some(found)) => Part::raw(found.bytes).with_media_type(found.media_type).with_filename(found.name),
        Ok(None) => by_link,
        Err(error) => {
            tracing::warn!(%error, "a file could not be read; it is told by its address");
            by_link
        }
    }
}
