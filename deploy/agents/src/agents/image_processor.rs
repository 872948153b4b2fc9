//! image-processor: what a picture is made of.

use std::fmt::Write as _;
use std::io::Cursor;

use async_trait::async_trait;
use bytes::Bytes;
use image::{ImageReader, Limits, RgbImage};
use reqwest::Method;

use crate::agent::{Agent, Outcome, Profile, Request, Skill};
use crate::reading::addresses::link;
use crate::reading::colleagues;
use crate::reading::fetch::Fetcher;
use crate::reading::numbers::show;
use crate::reading::statistics::float;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "image-processor",
    name: "Image Processor",
    description: "Looks at a picture you send (PNG, JPEG or GIF): its size, format, brightness, mean colour and histogram per channel. It recognises no objects, faces or text and changes no picture.",
    reads: &[
        "text/plain",
        "text/markdown",
        "image/png",
        "image/jpeg",
        "image/gif",
        "application/octet-stream",
    ],
    skills: &[Skill {
        id: "image_analysis",
        name: "Describe a picture's data",
        description: "Width, height, format, colour type, mean and histogram per colour channel.",
        tags: &["picture", "photo", "png", "jpeg", "gif", "histogram", "size"],
        examples: &[
            "How large is this picture and what format is it?",
            "Show me the colour histogram of the attached photo",
            "Is this image rather dark or bright?",
            "Wie groß ist das angehängte Bild in Pixeln?",
            "Quelle est la couleur moyenne de cette image ?",
            "¿Qué dimensiones tiene esta foto?",
            "这张图片的尺寸和格式是什么？",
            "この画像のヒストグラムを見せて",
        ],
    }],
};

/// Pixels on a side at most; more is not decoded.
const MOST_SIDE: u32 = 8_192;
/// Bytes a decoded picture may take.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;
const BINS: usize = 8;

/// The agent.
pub(super) struct ImageProcessor {
    fetcher: Fetcher,
}

impl ImageProcessor {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }

    /// The picture sent, or the one a link leads to.
    async fn picture(
        &self,
        request: &Request,
        reporter: &Reporter,
    ) -> Result<Option<(String, Bytes)>, String> {
        if let Some(file) = request.files.last() {
            return Ok(Some((
                file.name.clone().unwrap_or_else(|| "The picture".to_owned()),
                file.bytes.clone(),
            )));
        }
        let Some(address) = request.links.first().map(String::as_str).or(link(&request.text)) else {
            return Ok(None);
        };
        reporter.progress(format!("Fetching {address}."));
        let fetched =
            self.fetcher.send(Method::GET, address, None).await.map_err(|error| error.to_string())?;
        if fetched.cut || !fetched.status.is_success() {
            return Err(format!("it answered {} with {} bytes", fetched.status, fetched.body.len()));
        }
        Ok(Some((address.to_owned(), fetched.body)))
    }
}

#[async_trait]
impl Agent for ImageProcessor {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let (name, bytes) = match self.picture(request, reporter).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                return match colleagues::referral(PROFILE.id, &request.text) {
                    Some(referral) => Outcome::Refused(referral),
                    None => {
                        Outcome::AskedBack("Which picture? Please attach a PNG, JPEG or GIF file.".to_owned())
                    }
                };
            }
            Err(why) => return Outcome::Failed(format!("I could not get the picture: {why}.")),
        };
        reporter.progress(format!("Decoding {} bytes.", bytes.len()));
        match tokio::task::spawn_blocking(move || describe(&name, &bytes)).await {
            Ok(Ok(text)) => Outcome::Answered(text),
            Ok(Err(why)) => Outcome::Failed(format!("I cannot read this as a PNG, JPEG or GIF: {why}.")),
            Err(_) => Outcome::Failed("Something went wrong while decoding.".to_owned()),
        }
    }
}

fn describe(name: &str, bytes: &[u8]) -> Result<String, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let format =
        reader.format().map_or_else(|| "unknown".to_owned(), |format| format!("{format:?}").to_uppercase());
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| error.to_string())?;
    let (width, height) = (picture.width(), picture.height());
    let mut text = format!(
        "{name}: {format}, {width} × {height} pixels, {:?}, {} bytes.\n\n",
        picture.color(),
        bytes.len()
    );
    text.push_str(&colours(&picture.to_rgb8()));
    text.push_str("\nI do not recognise what is in the picture, nor text in it.\n");
    Ok(text)
}

fn colours(picture: &RgbImage) -> String {
    let mut bins = [[0_usize; BINS]; 3];
    let mut sums = [0_u64; 3];
    for pixel in picture.pixels() {
        for (channel, value) in pixel.0.iter().enumerate() {
            bins[channel][usize::from(*value) * BINS / 256] += 1;
            sums[channel] += u64::from(*value);
        }
    }
    let pixels = float(picture.pixels().len()).max(1.0);
    let mut text = String::from("| channel | mean (0–255) | histogram, dark to bright, % |\n|---|---|---|\n");
    let mut means = [0.0; 3];
    for (channel, name) in ["red", "green", "blue"].iter().enumerate() {
        means[channel] = wide(sums[channel]) / pixels;
        let shares: Vec<String> =
            bins[channel].iter().map(|count| format!("{:.0}", float(*count) / pixels * 100.0)).collect();
        writeln!(text, "| {name} | {:.1} | {} |", means[channel], shares.join(" ")).ok();
    }
    // Rec. 601 luma.
    let brightness = (0.299 * means[0] + 0.587 * means[1] + 0.114 * means[2]) / 255.0 * 100.0;
    let word = match brightness {
        value if value < 33.0 => "dark",
        value if value > 66.0 => "bright",
        _ => "of medium brightness",
    };
    writeln!(text, "\nIt is {word} ({} %).", show(brightness.round())).ok();
    text
}

/// A sum of bytes over at most 2²⁶ pixels, which a float holds exactly.
fn wide(sum: u64) -> f64 {
    let (high, low) =
        (u32::try_from(sum >> 32).unwrap_or(u32::MAX), u32::try_from(sum & 0xffff_ffff).unwrap_or(u32::MAX));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
