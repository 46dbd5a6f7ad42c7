//! Draws `public/icons.svg`, every icon the studio uses; the build puts them into the page.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{run, say, script};

const LUCIDE_VERSION: &str = "1.62.0";
const NAMES: &str = "public/icons.txt";

/// Fetches Lucide and writes the icons named in `public/icons.txt` as symbols.
pub fn draw() -> Result<()> {
    let folder = Path::new("target/icons");
    let icons = folder.join("node_modules/lucide-static/icons");
    if !icons.is_dir() {
        say(format!("fetching Lucide {LUCIDE_VERSION} from npm"));
        fs::create_dir_all(folder).context("target/icons cannot be made")?;
        fs::write(folder.join("package.json"), "{ \"private\": true }").context("target/icons cannot be written")?;
        let package = format!("lucide-static@{LUCIDE_VERSION}");
        run(
            script("npm").args(["install", "--no-audit", "--no-fund", &package]).current_dir(folder),
            "install Node 20 or newer with npm and check the connection",
        )?;
    }
    let listed = fs::read_to_string(NAMES).with_context(|| format!("{NAMES} is missing"))?;
    let mut names: Vec<_> = listed.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut sprite = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sprite\" aria-hidden=\"true\">\n");
    for name in &names {
        let drawn = fs::read_to_string(icons.join(format!("{name}.svg")))
            .with_context(|| format!("Lucide has no icon {name:?} (in {NAMES}); lucide.dev lists them"))?;
        sprite.push_str(&symbol(name, &drawn)?);
    }
    sprite.push_str("</svg>\n");
    fs::write("public/icons.svg", sprite).context("public/icons.svg cannot be written")?;
    say(format!("drew {} icons", names.len()));
    Ok(())
}

/// Lucide's file without its outer element, as a symbol that takes its colour from the text around it.
fn symbol(name: &str, drawn: &str) -> Result<String> {
    let Some((_, from_root)) = drawn.split_once("<svg") else { bail!("the icon {name} is no SVG") };
    let Some((_, inside)) = from_root.split_once('>') else { bail!("the icon {name} is no SVG") };
    let Some((inside, _)) = inside.split_once("</svg>") else { bail!("the icon {name} is no SVG") };
    let shapes: Vec<_> = inside.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(format!(
        "<symbol id=\"icon-{name}\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.75\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\">{}</symbol>\n",
        shapes.concat().replace(" />", "/>")
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_icon_that_the_code_names_is_drawn() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let drawn = names_between(&fs::read_to_string(root.join("public/icons.svg")).unwrap(), &["<symbol id=\"icon-"]);
        let mut named = BTreeSet::new();
        for file in ["src/studio/src", "src/components/src"].iter().flat_map(|folder| rust_files(&root.join(folder))) {
            let code = fs::read_to_string(file).unwrap();
            named.extend(names_between(&code, &["icon(\"", "icon_of(\"", "icon_button(\""]));
        }
        let missing: Vec<_> = named.difference(&drawn).collect();
        assert!(missing.is_empty(), "add {missing:?} to {NAMES} and run `cargo xtask icons`");
    }

    fn names_between(text: &str, starts: &[&str]) -> BTreeSet<String> {
        let after = |start: &&str| text.split(*start).skip(1).collect::<Vec<_>>();
        starts.iter().flat_map(after).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    }

    fn rust_files(folder: &Path) -> Vec<PathBuf> {
        let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let files = |path: PathBuf| if path.is_dir() { rust_files(&path) } else { vec![path] };
        paths.flat_map(files).filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
    }
}
