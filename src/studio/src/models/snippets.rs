//! The same request in other languages, and the command that serves the model to everybody.

use leptos::prelude::*;
use registry::Name;
use serde_json::Value as Json;

use super::store::Models;
use crate::endpoints::HostKind;
use crate::views::copy_button::copy_button;

/// Where `millrace serve` listens unless it is told otherwise.
const SERVED: &str = "http://127.0.0.1:8081/";

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Fetch,
    Curl,
    Python,
    Triton,
}

const LANGUAGES: [(Language, &str); 4] = [
    (Language::Fetch, "JavaScript"),
    (Language::Curl, "curl"),
    (Language::Python, "Python"),
    (Language::Triton, "tritonclient"),
];

/// The tabs and the text.
pub fn snippets(models: Models, endpoint: RwSignal<Name>, body: Memo<Json>) -> AnyView {
    let language = RwSignal::new(Language::Fetch);
    let tabs = LANGUAGES.map(|(which, label)| {
        let is_open = Memo::new(move |_| language.get() == which);
        view! { <button type="button" aria-pressed=move || is_open.get().to_string() on:click=move |_| language.set(which)>{label}</button> }
    });
    let is_browser = models.host.with_untracked(|host| host.kind == HostKind::Browser);
    let base = models.host.with_untracked(|host| host.base.clone());
    let text = Memo::new(move |_| {
        // Only pages can call the browser's own endpoint; everybody else calls the server that the command starts.
        let which = language.get();
        if is_browser && which != Language::Fetch {
            let model = models.model.get().unwrap_or_else(|| endpoint.get());
            return snippet(which, SERVED, &model, &body.get());
        }
        snippet(which, &base, &endpoint.get(), &body.get())
    });
    let file = move || {
        // A package that is served by its file gets the file's name.
        format!("{}.millrace", models.model.get().map_or_else(String::new, |name| name.to_string()))
    };
    let command = Memo::new(move |_| format!("millrace serve {}", file()));
    let serve = is_browser.then(|| {
        view! {
            <div class="models__serve">
                <p><b>"For everybody else"</b>"This address answers pages of this site in this browser only. Download the model and serve the same file:"</p>
                <div class="models__code"><pre><code>{command}</code></pre>{copy_button(models.studio, "Copy the command", move || command.get_untracked())}</div>
                <button type="button" class="link" on:click=move |_| models.download()>{move || format!("Download {}", file())}</button>
            </div>
        }
    });
    view! {
        <section class="models__snippets" aria-label="The request in code">
            <div class="segments models__languages" role="group" aria-label="Language">{tabs}</div>
            <div class="models__code"><pre tabindex="0"><code>{text}</code></pre>{copy_button(models.studio, "Copy the request", move || text.get_untracked())}</div>
            {serve}
        </section>
    }
    .into_any()
}

fn snippet(language: Language, base: &str, endpoint: &Name, body: &Json) -> String {
    let address = format!("{base}v2/models/{endpoint}/infer");
    let inputs = body["inputs"].as_array().into_iter().flatten();
    let json: String = inputs.map(|input| format!("    {input},\n")).collect();
    match language {
        Language::Fetch => format!(
            "const response = await fetch({}, {{\n  method: \"POST\",\n  headers: {{ \"content-type\": \"application/json\" }},\n  body: JSON.stringify({{ inputs: [\n{json}  ] }}),\n}});\nconst {{ outputs }} = await response.json();",
            Json::from(address),
        ),
        Language::Curl => {
            // A single quote ends the text; it is written between two texts.
            let json = body.to_string().replace('\'', "'\\''");
            format!("curl {address} \\\n  -H 'content-type: application/json' \\\n  -d '{json}'")
        }
        Language::Python => {
            format!(
                "import requests\n\nbody = {}\nresponse = requests.post({}, json=body)\nprint(response.json()[\"outputs\"])",
                python(body, 0),
                Json::from(address)
            )
        }
        Language::Triton => {
            let host = base.trim_start_matches("http://").trim_start_matches("https://").trim_end_matches('/');
            let mut text = format!(
                "import numpy as np\nimport tritonclient.http as triton\n\nclient = triton.InferenceServerClient({})\ninputs = []\n",
                Json::from(host)
            );
            for input in body["inputs"].as_array().into_iter().flatten() {
                let datatype = input["datatype"].as_str().unwrap_or_default();
                let kind = match datatype {
                    "INT64" => "np.int64",
                    "FP64" => "np.float64",
                    "BOOL" => "np.bool_",
                    _ => "np.object_",
                };
                text.push_str(&format!(
                    "inputs.append(triton.InferInput({}, [1], {}))\ninputs[-1].set_data_from_numpy(np.array({}, dtype={kind}), binary_data=False)\n",
                    input["name"],
                    input["datatype"],
                    python(&input["data"], 0),
                ));
            }
            text.push_str(&format!("print(client.infer({}, inputs).get_response())", Json::from(endpoint.to_string())));
            text
        }
    }
}

/// JSON as Python writes it.
fn python(json: &Json, depth: usize) -> String {
    let pad = "    ".repeat(depth + 1);
    match json {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", Json::from(&**key), python(value, depth + 1)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            let items: Vec<String> = items.iter().map(|item| format!("{pad}{},\n", python(item, depth + 1))).collect();
            format!("[\n{}{}]", items.concat(), "    ".repeat(depth))
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| python(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_written_as_each_language_has_it() {
        let body = json!({ "inputs": [{ "name": "it's", "shape": [1], "datatype": "BYTES", "data": [null, true] }] });
        let name = Name::new("churn").expect("a name");
        assert!(snippet(Language::Curl, SERVED, &name, &body).contains("\"name\":\"it'\\''s\""));
        let python = snippet(Language::Python, SERVED, &name, &body);
        assert!(python.contains("\"data\": [None, True]"), "{python}");
        assert!(snippet(Language::Triton, SERVED, &name, &body).contains("InferenceServerClient(\"127.0.0.1:8081\")"));
    }
}
