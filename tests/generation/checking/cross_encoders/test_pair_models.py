"""Models that read pairs: tiny ones with weights of chance, in the folders and by the configurations of the real kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from generation.checking.cross_encoders.pair_models import ModelSource, PairModel, load_pair_model, supported_output
from runtime.errors import ConfigurationError
from runtime.model_files import minilm_folder
from tests.generation.checking.reading_module import reading_cross_encoder

PAIRS = [
    ("Annual leave is 28 days.", "Leave is 28 days a year."),
    ("The canteen closes at two. " * 8, "It closes."),
    ("A badge costs {15} euros.", "It costs 15."),
]


def bert(folder: Path, labels: int, names: dict[int, str] | None = None) -> Path:
    torch.manual_seed(labels)
    config = transformers.BertConfig(
        vocab_size=30522,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=labels,
        initializer_range=0.4,  # so that outputs differ by more than rounding
    )
    if names is not None:
        config.id2label, config.label2id = names, {name: place for place, name in names.items()}
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    return folder


def expected(folder: Path, pairs: list[tuple[str, str]]) -> torch.Tensor:
    """Logits, one pair at a time."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return torch.cat([model(**tokenizer(*pair, return_tensors="pt")).logits for pair in pairs])


def t5_tokenizer(folder: Path) -> None:
    """WordPiece with T5's end mark: the pieces do not matter here."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm_folder())
    tokenizer.add_special_tokens({"eos_token": "[SEP]", "pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)


def t5_config() -> transformers.T5Config:
    torch.manual_seed(5)
    return transformers.T5Config(
        vocab_size=30522, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=0
    )


def load(folder: Path, **options: Any) -> PairModel:
    return load_pair_model(ModelSource(str(folder), device="cpu", **options))


def test_one_output_is_the_logit_of_supported(tmp_path: Path) -> None:
    folder = bert(tmp_path, 1)
    found = load(folder).supported(PAIRS)
    assert found == pytest.approx(torch.sigmoid(expected(folder, PAIRS))[:, 0].tolist(), abs=1e-5)
    assert max(found) - min(found) > 0.01


@pytest.mark.parametrize(
    "order", [("entailment", "neutral", "contradiction"), ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")]
)
def test_of_an_nli_model_the_output_called_entailment_counts(tmp_path: Path, order: tuple[str, ...]) -> None:
    folder = bert(tmp_path, 3, dict(enumerate(order)))
    place = [name.casefold() for name in order].index("entailment")
    wanted = torch.softmax(expected(folder, PAIRS), dim=1)[:, place]
    assert load(folder).supported(PAIRS) == pytest.approx(wanted.tolist(), abs=1e-5)


def test_of_two_outputs_without_names_the_second_counts_and_a_setting_overrides(tmp_path: Path) -> None:
    folder = bert(tmp_path, 2)
    wanted = torch.softmax(expected(folder, PAIRS), dim=1)
    assert load(folder).supported(PAIRS) == pytest.approx(wanted[:, 1].tolist(), abs=1e-5)
    assert load(folder, supported_label="0").supported(PAIRS) == pytest.approx(wanted[:, 0].tolist(), abs=1e-5)


def test_outputs_that_tell_nothing_must_be_named(tmp_path: Path) -> None:
    """AlignScore's three-way head, converted without names, has "aligned" first: only a person can know."""
    folder = bert(tmp_path, 3)
    with pytest.raises(ConfigurationError, match="PLUMB_CHECKER_SUPPORTED_LABEL"):
        load(folder)
    wanted = torch.softmax(expected(folder, PAIRS), dim=1)[:, 0]
    assert load(folder, supported_label="0").supported(PAIRS) == pytest.approx(wanted.tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("names", "wanted", "place"),
    [
        ({0: "ALIGNED", 1: "NEUTRAL", 2: "CONTRADICT"}, None, 0),
        ({0: "hallucinated", 1: "consistent"}, None, 1),
        ({0: "SUPPORTED", 1: "NOT_SUPPORTED"}, None, 0),
        ({0: "a", 1: "B", 2: "c"}, "b", 1),
        ({0: "not_entailment", 1: "entailment"}, None, 1),
    ],
)
def test_the_names_of_outputs(names: dict[int, str], wanted: str | None, place: int) -> None:
    assert supported_output(names, len(names), wanted) == place


@pytest.mark.parametrize(("names", "wanted"), [({0: "yes", 1: "no"}, None), ({0: "a", 1: "b"}, "2"), ({0: "a"}, "x")])
def test_names_that_do_not_do(names: dict[int, str], wanted: str | None) -> None:
    with pytest.raises(ConfigurationError, match="PLUMB_CHECKER_SUPPORTED_LABEL"):
        supported_output(names, len(names), wanted)


def test_hhem_is_read_by_its_prompt_and_without_its_code(tmp_path: Path) -> None:
    foundation, folder = tmp_path / "flan", tmp_path / "hhem"
    t5_config().save_pretrained(foundation)
    t5_tokenizer(foundation)
    model = transformers.T5ForTokenClassification(transformers.AutoConfig.from_pretrained(foundation, num_labels=2))
    with torch.no_grad():
        model.classifier.weight *= 20
    model = model.eval()
    folder.mkdir()
    prompt = "Is it true?\n\nPremise: {text1}\n\nHypothesis: {text2}"
    config = {
        "model_type": "HHEMv2Config",
        "architectures": ["HHEMv2ForSequenceClassification"],
        "auto_map": {"AutoConfig": "configuration_hhem_v2.HHEMv2Config"},
        "foundation": str(foundation),
        "prompt": prompt,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "configuration_hhem_v2.py").write_text("raise SystemExit('code of the model was run')")
    shared = "transformer.encoder.embed_tokens.weight"  # as in the real file, only the tied one is there
    weights = {f"t5.{name}": value for name, value in model.state_dict().items() if name != shared}
    save_file({name: value.clone() for name, value in weights.items()}, folder / "model.safetensors")
    tokenizer = transformers.AutoTokenizer.from_pretrained(foundation)
    with torch.inference_mode():
        wanted = [
            torch.softmax(
                model(
                    **tokenizer(
                        prompt.replace("{text1}", evidence).replace("{text2}", claim),
                        return_tensors="pt",
                        return_token_type_ids=False,
                    )
                ).logits[0, 0],
                dim=-1,
            )[1].item()
            for evidence, claim in PAIRS
        ]
    assert load(folder).supported(PAIRS) == pytest.approx(wanted, abs=1e-5)
    assert max(wanted) - min(wanted) > 0.01


def test_minicheck_reads_both_as_one_text(tmp_path: Path) -> None:
    folder = bert(tmp_path, 2)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        wanted = [
            torch.softmax(model(**tokenizer(f"{evidence}[SEP]{claim}", return_tensors="pt")).logits[0], dim=-1)[
                1
            ].item()
            for evidence, claim in PAIRS
        ]
    joined = load(folder, reads="minicheck").supported(PAIRS)
    assert joined == pytest.approx(wanted, abs=1e-5)
    assert joined != pytest.approx(load(folder).supported(PAIRS), abs=1e-5)


def test_minichecks_t5_writes_one_word(tmp_path: Path) -> None:
    model = transformers.T5ForConditionalGeneration(t5_config()).eval()
    model.save_pretrained(tmp_path)
    t5_tokenizer(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    with torch.inference_mode():
        wanted = []
        for evidence, claim in PAIRS:
            inputs = tokenizer(f"predict: {evidence}[SEP]{claim}", return_tensors="pt", return_token_type_ids=False)
            logits = model(**inputs, decoder_input_ids=torch.tensor([[0]])).logits[0, 0]
            wanted.append(torch.softmax(logits[[3, 209]], dim=-1)[1].item())
    assert load(tmp_path, reads="minicheck").supported(PAIRS) == pytest.approx(wanted, abs=1e-5)
    with pytest.raises(ConfigurationError, match="PLUMB_CHECKER_INPUT=minicheck"):
        load(tmp_path)


def test_an_encoder_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    config = transformers.BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    transformers.BertModel(config).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="no cross-encoder: its configuration says BertModel"):
        load(tmp_path)


def test_code_of_a_model_runs_only_when_the_settings_say_so(tmp_path: Path) -> None:
    folder = reading_cross_encoder(tmp_path / "reading")
    with pytest.raises(ConfigurationError, match="cannot be loaded") as refused:
        load(folder)
    assert refused.value.code == "checker_unavailable"
    assert load(folder, trust_remote_code=True).supported([("It is red.", "It is red.")])[0] > 0.9


@pytest.mark.parametrize("name", ["plumbling", "a b/c", "owner/name/more", "/no/such/folder"])
def test_names_that_can_be_neither_folder_nor_model(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no checker"):
        ModelSource(name).check()


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no model"):
        ModelSource(str(tmp_path)).check()


def test_a_name_of_the_hub_may_hold_on_to_a_revision() -> None:
    source = ModelSource("owner/name@0a1b2c")
    source.check()
    assert (source.repository, source.revision) == ("owner/name", "0a1b2c")
    assert ModelSource("owner/name").revision is None


def test_tokens_are_counted_without_marks_and_one_thread_at_a_time(tmp_path: Path) -> None:
    model = load(bert(tmp_path, 1))
    assert model.count_tokens(["annual leave", "", "28 days a year"]) == [2, 0, 4]
    assert model.count_tokens([]) == []
    assert model.max_tokens == 512
