//! The colours of a figure.

use crate::figure::RAMP;

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

impl Color {
    /// A colour from its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `rgb(1, 2, 3)`, as browsers tell a computed colour, and `#010203`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hex) = text.strip_prefix('#').filter(|hex| hex.len() == 6) {
            let packed = u32::from_str_radix(hex, 16).ok()?;
            return Some(Self::new((packed >> 16) as u8, (packed >> 8) as u8, packed as u8));
        }
        let inside = text.split_once('(')?.1;
        let mut parts = inside
            .split([',', ' ', '/', ')'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse::<f64>().map(|part| part.round().clamp(0.0, 255.0) as u8));
        Some(Self::new(parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?))
    }
}

/// Colours of the palette. Series beyond them take the same colours again, with another stroke.
pub const N_COLORS: u8 = 6;

/// How series of one colour are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// The first [`N_COLORS`].
    Solid,
    /// The next ones. Their dots are rings.
    Dashed,
    /// All others. Their dots are rings, too.
    Dotted,
}

impl Stroke {
    /// That of a series.
    pub fn of(color_idx: u8) -> Self {
        match color_idx {
            0..N_COLORS | RAMP.. => Self::Solid,
            N_COLORS..DOTTED_FROM => Self::Dashed,
            DOTTED_FROM..RAMP => Self::Dotted,
        }
    }

    /// How long a dash is, and the gap after it, in pixels; none for a line without gaps.
    pub fn dash(self) -> Option<(f64, f64)> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some((7.0, 4.0)),
            Self::Dotted => Some((2.0, 3.0)),
        }
    }
}

const DOTTED_FROM: u8 = 2 * N_COLORS;

/// Colours and type, given by whoever draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Behind everything.
    pub ground: Color,
    /// Headings.
    pub ink: Color,
    /// Labels.
    pub ink_muted: Color,
    /// Lines of the grid.
    pub grid: Color,
    /// The line at zero, guides.
    pub axis: Color,
    /// Series take these in turn.
    pub palette: Vec<Color>,
    /// From the worst to the best; read together with a labelled scale.
    pub ramp: Vec<Color>,
    /// CSS font family.
    pub font: String,
    /// Of labels, in pixels.
    pub text_size: f64,
}

impl Theme {
    /// For files and terminals, which have no style sheet: the light tokens.
    pub fn light() -> Self {
        Self {
            ground: Color::new(0xff, 0xff, 0xff),
            ink: Color::new(0x1c, 0x1b, 0x19),
            ink_muted: Color::new(0x5c, 0x58, 0x50),
            grid: Color::new(0xe2, 0xde, 0xd6),
            axis: Color::new(0x8a, 0x84, 0x7a),
            palette: vec![
                Color::new(0xb8, 0x56, 0x1d),
                Color::new(0x3b, 0x6f, 0xb6),
                Color::new(0x0b, 0x7a, 0x5b),
                Color::new(0x7a, 0x5a, 0xb5),
                Color::new(0xa8, 0x3a, 0x5f),
                Color::new(0x5f, 0x6b, 0x1f),
            ],
            ramp: vec![
                Color::new(0xb3, 0xa6, 0xd6),
                Color::new(0x8f, 0xa3, 0xcf),
                Color::new(0x5c, 0x97, 0xbb),
                Color::new(0x23, 0x85, 0x9a),
                Color::new(0x0b, 0x66, 0x70),
                Color::new(0x08, 0x40, 0x4b),
            ],
            font: "Inter, system-ui, sans-serif".into(),
            text_size: 11.0,
        }
    }

    /// The colour of a series: of the palette, and from [`RAMP`] on of the ramp.
    pub fn series(&self, color_idx: u8) -> Color {
        let (colors, at) = match color_idx.checked_sub(RAMP) {
            Some(level) => (&self.ramp, level),
            None => (&self.palette, color_idx),
        };
        match colors.len() {
            0 => self.ink,
            n_colors => colors[usize::from(at) % n_colors],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::N_LEVELS;

    #[test]
    fn past_the_palette_colours_come_again_with_another_stroke() {
        let theme = Theme::light();
        assert_eq!(theme.palette.len(), usize::from(N_COLORS));
        assert_eq!(theme.ramp.len(), usize::from(N_LEVELS));
        let looks: Vec<_> = (0..3 * N_COLORS).map(|at| (theme.series(at), Stroke::of(at))).collect();
        let is_repeated = |(at, look): (usize, &(Color, Stroke))| looks[..at].contains(look);
        assert!(!looks.iter().enumerate().any(is_repeated), "{looks:?}");
        assert_eq!(Stroke::of(RAMP + 3), Stroke::Solid, "levels of a ramp are told apart by their order");
    }

    #[test]
    fn browsers_and_people_write_colours_differently() {
        assert_eq!(Color::parse("rgb(28, 27, 25)"), Some(Color::new(28, 27, 25)));
        assert_eq!(Color::parse("rgb(28 27 25 / 0.5)"), Some(Color::new(28, 27, 25)));
        assert_eq!(Color::parse("#1c1b19"), Some(Color::new(28, 27, 25)));
        assert_eq!(Color::parse("none"), None);
    }

    #[test]
    fn every_series_stands_out_from_the_ground() {
        // Relative luminance and contrast as WCAG 2.2 defines them; 3:1 for graphics (1.4.11).
        let luminance = |color: Color| {
            let part = |value: u8| {
                let value = f64::from(value) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(color.red) + 0.7152 * part(color.green) + 0.0722 * part(color.blue)
        };
        let theme = Theme::light();
        for &color in &theme.palette {
            let contrast = (luminance(theme.ground) + 0.05) / (luminance(color) + 0.05);
            assert!(contrast >= 3.0, "{color:?} has {contrast:.2}");
        }
    }
}
