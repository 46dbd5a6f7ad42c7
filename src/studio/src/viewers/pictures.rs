//! Small pictures: weights, and what layers make of a row.

use charts::Theme;
use leptos::html::{Canvas, I};
use leptos::prelude::*;
use protocol::{Picture, PictureGroup, Pictures};

use super::{appearance, pixels};

/// Pixels of the screen along the side of a square picture, about: of one alone, and of one beside others.
const SIDES: (f64, f64) = (96.0, 46.0);
/// Pixels across at most.
const MOST_ACROSS: f64 = 240.0;
/// Pixels along the side of a shade.
const SHADE: (f64, f64) = (2.0, 14.0);

/// The pictures. Shades follow the signal, whose groups stay what they are.
pub fn pictures(shown: RwSignal<Pictures>) -> AnyView {
    let probe = NodeRef::<I>::new();
    let title = move || shown.read().title.clone();
    let groups = shown.with_untracked(|now| {
        let group = |(group_idx, group): (usize, &PictureGroup)| {
            let side = if group.pictures.len() == 1 { SIDES.0 } else { SIDES.1 };
            let picture = |(at, picture)| canvas(shown, (group_idx, at), side, picture, probe);
            let canvases = group.pictures.iter().enumerate().map(picture).collect_view();
            let largest =
                move || shown.with(|shown| shown.groups.get(group_idx).map(|group| charts::number(group.largest)));
            let more =
                (group.n_left_out > 0).then(|| view! { <small>{format!("and {} more", group.n_left_out)}</small> });
            view! {
                <div class="pictures__group">
                    <h4>{group.label.clone()}<small>"up to "{largest}</small></h4>
                    <div class="pictures__row">{canvases}{more}</div>
                </div>
            }
        };
        now.groups.iter().enumerate().map(group).collect_view()
    });
    let label = move || format!("{}. {}", title(), shown.read().summary);
    view! {
        <section class="pictures">
            <header class="chart__head">
                <h3 class="chart__title">{title}</h3>
                <span class="pictures__scale">
                    <i></i>
                    "below 0"
                    <i></i>
                    "above 0"
                </span>
            </header>
            <i class="chart__probe" hidden node_ref=probe></i>
            <div class="pictures__groups" tabindex="0" role="img" aria-label=label>{groups}</div>
        </section>
    }
    .into_any()
}

/// One picture, by its place among groups and within its group.
fn canvas(
    shown: RwSignal<Pictures>,
    (group_idx, at): (usize, usize),
    side: f64,
    picture: &Picture,
    probe: NodeRef<I>,
) -> AnyView {
    let element = NodeRef::<Canvas>::new();
    let version = appearance::version();
    Effect::new(move |_| {
        version.track();
        let (Some(canvas), Some(probe)) = (element.get(), probe.get()) else { return };
        let theme = appearance::theme(&probe);
        shown.with(|shown| {
            let picture = shown.groups.get(group_idx).and_then(|group| group.pictures.get(at))?;
            pixels::paint(&canvas, &shades(picture, &theme), picture.n_columns)
        });
    });
    let n_columns = f64::from(picture.n_columns.max(1));
    let n_rows = (picture.shades.len() as f64 / n_columns).ceil();
    let shade = (side / (n_columns * n_rows).sqrt()).min(MOST_ACROSS / n_columns).clamp(SHADE.0, SHADE.1).floor();
    let px = |n: f64| format!("{}px", n * shade);
    view! { <canvas class="pictures__one" aria-hidden="true" node_ref=element style:width=px(n_columns) style:height=px(n_rows)></canvas> }
        .into_any()
}

/// Pixels of a picture: one colour below 0, another above it, the stronger the further away.
fn shades(picture: &Picture, theme: &Theme) -> Vec<u8> {
    let [below, above] = [theme.series(0), theme.series(1)];
    let pixel = |shade: &i8| {
        let color = if *shade < 0 { below } else { above };
        [color.red, color.green, color.blue, shade.unsigned_abs().saturating_mul(2)]
    };
    let mut pixels: Vec<u8> = picture.shades.iter().flat_map(pixel).collect();
    // The last row may be shorter.
    pixels.resize(picture.shades.len().next_multiple_of(picture.n_columns.max(1) as usize) * 4, 0);
    pixels
}
