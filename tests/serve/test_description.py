"""What the service says of itself: OpenAPI for programs, a page for people, and the tables of the document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from metaart.artists.art import Use
from metaart.arts import ARTS
from metaart.errors import UserError
from metaart.options import described, from_plain
from serve.description import options_schema
from serve.endpoints import EXAMPLES, endpoints, files_of, keys_of, shown
from serve.forms import order_from
from serve.gateway import docs_page, make_app
from serve.settings import Settings
from serve.studio import ServedModel, Studio
from serve.tables import in_document, tables
from serve.uploads import Form, Upload
from tests.serve import letters

DOCUMENT = Path(__file__).parents[2] / "docs" / "serving.md"
USES = [pytest.param(use, id=f"{art.name}-{use.verb}") for art in [*ARTS.values(), letters.ART] for use in art.uses
        if use.route]  # fmt: skip
OURS = [art for art in ARTS.values() if art.uses and art.home.startswith("metaart.")]


def openapi(*arts: Any) -> dict[str, Any]:
    models = {art.name: ServedModel(None, art.name) for art in arts}
    return make_app(Studio(models, 1, list), arts).openapi()


def form_of(paths: dict[str, Any], route: str) -> dict[str, Any]:
    content: dict[str, Any] = paths[f"/v1/{route}"]["post"]["requestBody"]["content"]["multipart/form-data"]
    return content


@pytest.mark.parametrize("use", USES)
def test_the_example_of_a_use_is_one_that_its_schema_takes(use: Use) -> None:
    schema = options_schema(use)
    jsonschema.Draft202012Validator.check_schema(schema)
    example = json.loads(json.dumps(shown(use.example, use)))
    jsonschema.validate(example, schema)
    assert schema["examples"] == [example]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**example, "rum": 1}, schema)


@pytest.mark.parametrize("use", USES)
def test_the_example_of_a_use_is_one_that_makes_an_order(use: Use) -> None:
    example, labels = shown(use.example, use), use.example.get(use.works.labels, ["", ""])
    art = letters.ART._replace(uses=(_uncounted(use),))
    form = Form({field.name: [Upload("a", bytearray(b"-"))] * (len(labels) if field.name == EXAMPLES else 1)
                 for field in files_of(use)}, {"options": json.dumps(example)})  # fmt: skip
    _, order = order_from(endpoints([art])[use.route], form, ["letters"])
    assert len(order.works) == len(labels)
    assert {key: getattr(order.options, key) for key in example if key in described(use.options)} == {
        key: value for key, value in example.items() if key in described(use.options)
    }


def _uncounted(use: Use) -> Use:
    """The same for whatever bytes."""
    works = use.works._replace(format=letters.LETTER)
    return use._replace(works=works, inputs=tuple(entry._replace(format=letters.LETTER) for entry in use.inputs))


@pytest.mark.parametrize("use", USES)
def test_the_schema_and_the_service_draw_the_same_lines(use: Use) -> None:
    """On and beyond each end of each range, by two readers: `jsonschema` and what checks requests."""
    schema = options_schema(use)
    needed = {name: value for name, value in use.example.items() if name in described(use.options)}
    for name, entry in schema["properties"].items():
        if name not in described(use.options):
            continue
        bounds = next((part for part in entry.get("anyOf", []) if part["type"] != "null"), entry)
        ends = [bounds[end] for end in ("minimum", "maximum", "exclusiveMinimum") if end in bounds]
        for value in [*ends, *(end - 1 for end in ends), *(end + 1 for end in ends), "much", None, True]:
            values = {key: value for key, value in needed.items() if key in schema["properties"]} | {name: value}
            labels = {key: use.example[key] for key in schema["required"] if key not in described(use.options)}
            fits = jsonschema.Draft202012Validator(schema).is_valid({**values, **labels})
            try:
                from_plain(use.options, values)
            except UserError:
                assert not fits or name == "steps", (name, value)  # of style, whose bound depends on the method
            else:
                assert fits, (name, value)


def test_openapi_has_every_field_with_its_numbers_and_its_bounds() -> None:
    paths = openapi(*OURS)["paths"]
    style = form_of(paths, "style")["schema"]
    assert style["required"] == ["photograph", "examples"]
    assert style["additionalProperties"] is False
    photograph, pictures, options = (style["properties"][name] for name in ("photograph", "examples", "options"))
    assert (photograph["type"], photograph["format"]) == ("string", "binary")
    assert (pictures["minItems"], pictures["maxItems"]) == (1, 20)
    assert "16 megapixels" in pictures["description"]
    assert list(options["properties"]) == ["strength", "keep_colour", "side", "steps"], "none of the command line's"
    side = options["properties"]["side"]
    assert (side["minimum"], side["maximum"], side["default"]) == (16, 2048, 2048)
    assert side["description"].endswith("px; 2048 if left out")
    assert form_of(paths, "style")["encoding"] == {"options": {"contentType": "application/json"}}

    music = form_of(paths, "music")["schema"]
    assert music["required"] == ["examples"]
    assert "50,000 notes" in music["properties"]["primer"]["description"]
    critique = form_of(paths, "critique")["schema"]
    assert critique["required"] == ["work", "examples", "options"]
    whose, rated = critique["properties"]["options"]["oneOf"]
    assert (whose["required"], rated["required"]) == (["hands"], ["scores"])
    assert whose["properties"]["heat_map"]["default"] is True
    assert rated["properties"]["scores"]["items"] == {"type": "number", "minimum": 1, "maximum": 10}


def test_openapi_has_every_answer_in_its_media_type() -> None:
    described = openapi(*OURS, letters.ART)
    made = {"music": "audio/midi", "style": "image/png", "critique": "application/json", "letters": "text/plain"}
    for route, media_type in made.items():
        answers = described["paths"][f"/v1/{route}"]["post"]["responses"]
        assert set(answers) == {"200", "408", "413", "415", "422", "500", "503"}
        assert set(answers["200"]["content"]) == {media_type}
        assert "Metaart-Run" in answers["200"]["headers"]
        assert all("application/problem+json" in answers[status]["content"] for status in answers if status != "200")


def test_the_page_for_people_has_the_story_of_every_use_with_its_address() -> None:
    page = bytes(docs_page(endpoints([*OURS, letters.ART]).values()).body).decode()
    for use in (use for art in [*OURS, letters.ART] for use in art.uses if use.route):
        assert f"http://127.0.0.1:8000/v1/{use.route}" in page
    assert "{route}" not in page


def test_fields_that_two_uses_share_take_what_either_takes() -> None:
    other = letters.JUDGE._replace(works=letters.JUDGE.works._replace(labels="scores", least=1, most=9, help="scored"))
    both = endpoints([letters.ART, letters.ART._replace(name="scores", uses=(other,))])["whose-letter"]
    assert list(both.uses) == ["letters", "scores"]
    assert (both.files["examples"].least, both.files["examples"].most) == (1, 9)
    assert both.files["examples"].help == "letters by two hands or more, or scored"
    assert both.files["letter"].help == "the letter to judge"
    assert both.keys == ["hands", "scores", "sketch"]
    assert both.bounds.max_file_bytes == 90


def test_no_address_has_two_uses_that_nothing_tells_apart() -> None:
    for endpoint in endpoints(ARTS.values()).values():
        labels = [use.works.labels for use in endpoint.uses.values()]
        assert len(labels) == len(set(labels)), endpoint.route
    routes = [[use.route for use in art.uses if use.route] for art in ARTS.values()]
    assert all(len(of) == len(set(of)) for of in routes)


def test_the_document_has_the_tables_that_the_descriptions_give() -> None:
    """`python -m serve.tables` prints them."""
    text, found = DOCUMENT.read_text(encoding="utf-8"), tables(OURS)
    assert sorted(re.findall("<!-- begin: table (.+) -->", text)) == sorted(found)
    assert in_document(text, found) == text


def test_a_table_lists_every_field_and_option_with_its_default() -> None:
    found = tables([*OURS, letters.ART])
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", found["letters"], re.M))
    assert rows == {
        "examples": "1 to 3 letters by one hand; 100 bytes in all",
        "signature": "a letter: how it ends; 100 bytes in all; may be left out",
        "options": "a JSON object",
        "copies": "1",
        "tone": "needed",
        "steps": "as trained",
    }
    for endpoint in endpoints(OURS).values():
        listed = set(re.findall(r"^\| `(\w+)` \|", found[endpoint.route], re.M))
        assert listed == {*endpoint.files, "options", *endpoint.keys}
    listed = set(re.findall(r"^\| `(\w+)` \|", found["settings"], re.M))
    assert listed == {*Settings.model_fields, "music", "style", "critique", "rating", "letters"} - {"runs"}


def test_keys_are_those_of_the_use_of_its_labels_and_of_what_is_made_beside() -> None:
    assert keys_of(letters.WRITE) == ["copies", "tone", "steps"], "a file has no room for a sketch"
    assert keys_of(letters.JUDGE) == ["hands", "sketch"]
    assert [field.name for field in files_of(letters.JUDGE)] == ["letter", "examples"]
