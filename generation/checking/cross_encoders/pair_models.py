"""Models that read a text and a claim as a pair and say whether the one supports the other, by name or folder.

What the outputs mean is told by the model's own configuration: the names of its labels, their number, its kind. Where
the configuration leaves it open, the settings must say it; nothing is guessed from a model's name.

- one output: the logit of "supported" (trained with a sigmoid: HHEM-1, most cross-encoders);
- two without names: the second is "supported" (MiniCheck);
- named outputs: the one called "entailment", "supported", "consistent" or alike (NLI models, converted AlignScore).

HHEM-2 is read without its own code, which would run whatever its repository holds, and which transformers 5 cannot load
any more: it is a T5 encoder that classifies the first token of a fixed prompt. Its tokenizer and shape come from the
model that it names as its foundation.
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from generation.prompting.token_estimate import estimate_tokens
from runtime.errors import ConfigurationError

Pair: TypeAlias = tuple[str, str]
"""Evidence and claim."""

PairInput: TypeAlias = Literal["auto", "pair", "minicheck"]
"""How both become one input: two segments, or MiniCheck's text with the end mark between them. `auto`: two segments, or
HHEM's prompt where the configuration is HHEM's."""

SUPPORTED_NAMES = frozenset(
    {"entailment", "entailed", "entails", "supported", "supports", "support", "consistent", "factual", "faithful"}
    | {"grounded", "aligned", "align", "attributable"}
)

HHEM_TYPE = "HHEMv2Config"
USUAL_TOKENS = 512

_BATCH = 16
_GENERIC = re.compile(r"label[_ ]?\d+", re.IGNORECASE)
_HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*(?:@[\w./-]+)?")
_MINICHECK_WORDS = (3, 209)  # the tokens "0" and "1" of T5, of which the first step writes one


@dataclasses.dataclass(frozen=True, slots=True)
class ModelSource:
    """A folder, or a name on the Hugging Face Hub, `name@revision` to hold on to one state of it.

    `supported_label` is the name or number of the output that means "supported", where the configuration does not tell.
    """

    name: str
    reads: PairInput = "auto"
    supported_label: str | None = None
    trust_remote_code: bool = False
    device: str | None = None

    @property
    def folder(self) -> Path | None:
        path = Path(self.name).expanduser()
        return path if path.is_dir() else None

    @property
    def repository(self) -> str:
        return str(self.folder or self.name.partition("@")[0])

    @property
    def revision(self) -> str | None:
        return None if self.folder is not None else self.name.partition("@")[2] or None

    def check(self) -> None:
        """Raises ConfigurationError for a name that can be neither. Opens nothing on the network."""
        if self.folder is not None:
            if not any((self.folder / file).exists() for file in ("config.json", "modules.json")):
                raise ConfigurationError(
                    f"PLUMB_CHECKER: the folder {self.name} holds no model (no config.json, no modules.json)."
                )
        elif not _HUB_NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"PLUMB_CHECKER: {self.name!r} is no checker. Use `plumbline` (the default), `verbatim`, "
                "`judge:MODEL` with the name of a configured model, the folder of a cross-encoder or NLI model, or its "
                "name on the Hugging Face Hub (`owner/name` or `owner/name@revision`)."
            )


class PairModel(Protocol):
    """Blocking and thread-safe."""

    max_tokens: int
    """Longest input, evidence and claim together."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...

    def supported(self, pairs: Sequence[Pair]) -> list[float]:
        """Of each pair the probability, by the model's own account, that the evidence supports the claim."""


def load_pair_model(source: ModelSource) -> PairModel:
    """Blocking: seconds, minutes when it is fetched. Raises ConfigurationError that says what is in the way."""
    source.check()
    try:
        config = _config(source)
        if config.get("model_type") == HHEM_TYPE:
            return _HhemModel(source, config)
        if source.reads == "minicheck":
            return _MiniCheckModel(source, config)
        return _CrossEncoder(source, config)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise ConfigurationError(
            f"The checker {source.name} cannot be loaded: {_first_line(error)} PLUMB_CHECKER chooses another.",
            code="checker_unavailable",
        ) from error


def supported_output(names: Mapping[int, str], count: int, wanted: str | None) -> int:
    """Which of `count` outputs means "supported". Raises ConfigurationError where nothing tells."""
    if wanted is not None:
        number = int(wanted) if wanted.isdigit() else None
        found = [place for place, name in names.items() if place == number or name.casefold() == wanted.casefold()]
        if number is not None and number < count:
            return number
        if found:
            return found[0]
        raise ConfigurationError(
            f"PLUMB_CHECKER_SUPPORTED_LABEL: the model has no output {wanted!r}, only {_told(names)}."
        )
    if count == 1:
        return 0
    named = [place for place, name in names.items() if name.casefold().strip() in SUPPORTED_NAMES and place < count]
    if len(named) == 1:
        return named[0]
    if count == 2 and all(_GENERIC.fullmatch(name) for name in names.values()):
        return 1
    raise ConfigurationError(
        f"The checker's model has the outputs {_told(names)}, none of which says that it means supported. Set "
        "PLUMB_CHECKER_SUPPORTED_LABEL to the name or the number (from 0) of the one that does."
    )


def probabilities(logits: NDArray[np.float64], output: int) -> list[float]:
    """Of one logit by the sigmoid, of several by the softmax. `logits` is (pairs, outputs)."""
    if logits.shape[1] == 1:
        return [float(one) for one in 0.5 * (1 + np.tanh(logits[:, 0] / 2))]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return [float(one) for one in powers[:, output] / powers.sum(axis=1)]


class _CrossEncoder:
    """Any CrossEncoder of sentence-transformers, two segments."""

    def __init__(self, source: ModelSource, config: Mapping[str, Any]) -> None:
        _check_reads_pairs(source, config)
        from sentence_transformers import CrossEncoder

        self._model: Any = CrossEncoder(
            source.repository,
            revision=source.revision,
            device=source.device,
            trust_remote_code=source.trust_remote_code,
        )
        own = getattr(self._model, "config", None)
        names = getattr(own, "id2label", None) or {0: "LABEL_0"}
        self._output = supported_output(names, int(self._model.num_labels), source.supported_label)
        self._tokenizer = getattr(self._model, "tokenizer", None)
        self.max_tokens = _within(getattr(self._model, "max_seq_length", None))
        self._lock = threading.Lock()  # a fast tokenizer must not be used by two threads at once

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if self._tokenizer is None:
            return [estimate_tokens(text) for text in texts]
        with self._lock:
            return _counted(self._tokenizer, texts)

    def supported(self, pairs: Sequence[Pair]) -> list[float]:
        import torch

        with self._lock:  # it sorts by length itself
            logits = self._model.predict(
                list(pairs), batch_size=_BATCH, activation_fn=torch.nn.Identity(), show_progress_bar=False
            )
        return probabilities(np.asarray(logits, dtype=np.float64).reshape(len(pairs), -1), self._output)


class _JoinedInput:
    """A model that reads both as one text. Subclasses give the text and the logits of a batch."""

    def __init__(self, model: Any, tokenizer: Any, max_tokens: int, output: int) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._output = output
        self._lock = threading.Lock()
        self.max_tokens = max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._lock:
            return _counted(self._tokenizer, texts)

    def supported(self, pairs: Sequence[Pair]) -> list[float]:
        import torch

        texts = [self._joined(*pair) for pair in pairs]
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found = [0.0] * len(texts)
        with self._lock, torch.inference_mode():
            for begin in range(0, len(order), _BATCH):
                chosen = order[begin : begin + _BATCH]
                inputs = self._tokenizer(
                    [texts[place] for place in chosen],
                    padding=True,
                    truncation=True,
                    max_length=self.max_tokens,
                    return_tensors="pt",
                ).to(self._model.device)
                logits = np.asarray(self._logits(inputs).float().cpu(), dtype=np.float64)
                for place, probability in zip(chosen, probabilities(logits, self._output), strict=True):
                    found[place] = probability
        return found

    def _joined(self, evidence: str, claim: str) -> str:
        raise NotImplementedError

    def _logits(self, inputs: Any) -> Any:
        raise NotImplementedError


class _MiniCheckModel(_JoinedInput):
    """MiniCheck's classifiers (RoBERTa, DeBERTa), and its T5, which writes "1" for supported and "0" for not."""

    def __init__(self, source: ModelSource, config: Mapping[str, Any]) -> None:
        import transformers

        self._writes = bool(config.get("is_encoder_decoder"))
        kind = "AutoModelForSeq2SeqLM" if self._writes else "AutoModelForSequenceClassification"
        if not self._writes:
            _check_reads_pairs(source, config)
        options = {"revision": source.revision, "trust_remote_code": source.trust_remote_code}
        tokenizer = transformers.AutoTokenizer.from_pretrained(source.repository, **options)
        model = getattr(transformers, kind).from_pretrained(source.repository, **options)
        names, count = (
            ({0: "LABEL_0", 1: "LABEL_1"}, 2) if self._writes else (model.config.id2label, model.config.num_labels)
        )
        super().__init__(
            model.to(source.device) if source.device else model,
            tokenizer,
            _within(tokenizer.model_max_length),
            supported_output(names, count, source.supported_label),
        )

    def _joined(self, evidence: str, claim: str) -> str:
        both = f"{evidence}{self._tokenizer.eos_token or self._tokenizer.sep_token}{claim}"
        return f"predict: {both}" if self._writes else both

    def _logits(self, inputs: Any) -> Any:
        import torch

        if not self._writes:
            return self._model(**inputs).logits
        begin = torch.zeros((len(inputs["input_ids"]), 1), dtype=torch.long, device=self._model.device)
        written = self._model(**inputs, decoder_input_ids=begin).logits[:, 0, :]
        return written[:, list(_MINICHECK_WORDS)]


class _HhemModel(_JoinedInput):
    """HHEM-2.1-Open: "consistent" is the second of two outputs at the first token."""

    def __init__(self, source: ModelSource, config: Mapping[str, Any]) -> None:
        import transformers
        from safetensors.torch import load_file

        foundation = str(config["foundation"])
        shape = transformers.AutoConfig.from_pretrained(foundation, num_labels=2)
        model: Any = transformers.T5ForTokenClassification(shape)
        weights = load_file(_file(source, "model.safetensors"))
        missing, _ = model.load_state_dict(
            {name.removeprefix("t5."): values for name, values in weights.items()}, strict=False
        )
        if lost := [name for name in missing if "embed_tokens" not in name]:  # that one is tied to another
            raise ValueError(f"its weights lack {lost[0]}")
        model.tie_weights()
        self._prompt = str(config["prompt"])
        tokenizer = transformers.AutoTokenizer.from_pretrained(foundation)
        output = supported_output({0: "LABEL_0", 1: "LABEL_1"}, 2, source.supported_label)
        super().__init__(model.to(source.device) if source.device else model, tokenizer, USUAL_TOKENS, output)

    def _joined(self, evidence: str, claim: str) -> str:
        # Not str.format: braces in a passage are text.
        before, _, rest = self._prompt.partition("{text1}")
        between, _, after = rest.partition("{text2}")
        return f"{before}{evidence}{between}{claim}{after}"

    def _logits(self, inputs: Any) -> Any:
        return self._model(**inputs).logits[:, 0, :]


def _config(source: ModelSource) -> Mapping[str, Any]:
    """`config.json` as it is; empty for a model of modules that has none. Raises OSError."""
    if source.folder is not None and not (source.folder / "config.json").exists():
        return {}
    data = json.loads(Path(_file(source, "config.json")).read_text(encoding="utf-8"))
    return data if isinstance(data, dict) else {}


def _file(source: ModelSource, name: str) -> str:
    from transformers.utils.hub import cached_file

    return str(cached_file(source.repository, name, revision=source.revision))


def _check_reads_pairs(source: ModelSource, config: Mapping[str, Any]) -> None:
    """An encoder without a trained head would get one of chance numbers, and say whatever chance says."""
    kinds = config.get("architectures") or []
    if any(str(kind).endswith("ForSequenceClassification") for kind in kinds):
        return
    if source.reads != "minicheck" and _kind_of_modules(source) == "CrossEncoder":
        return
    told = ", ".join(map(str, kinds)) or "nothing"
    raise ConfigurationError(
        f"The checker {source.name} is no cross-encoder: its configuration says {told}, which has no trained output "
        "for pairs of texts. A T5 that was trained as MiniCheck needs PLUMB_CHECKER_INPUT=minicheck."
    )


def _kind_of_modules(source: ModelSource) -> str:
    try:
        data = json.loads(Path(_file(source, "config_sentence_transformers.json")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(data.get("model_type", ""))


def _counted(tokenizer: Any, texts: Sequence[str]) -> list[int]:
    if not texts:
        return []
    return [len(one) for one in tokenizer(list(texts), add_special_tokens=False, truncation=False)["input_ids"]]


def _within(tokens: int | None) -> int:
    """The model's longest input, where it tells one that can be meant (tokenizers without one say 10³⁰)."""
    return tokens if tokens is not None and 16 <= tokens < 100_000 else USUAL_TOKENS


def _told(names: Mapping[int, str]) -> str:
    return ", ".join(f"{place} {name}" for place, name in sorted(names.items()))


def _first_line(error: Exception) -> str:
    line = (str(error) or type(error).__name__).strip().splitlines()[0]
    return line if line.endswith(".") else f"{line}."
