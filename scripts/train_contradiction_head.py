"""Train the contradiction head and write it, in int8, beside the checker.

    python -m scripts.train_contradiction_head DATA_FOLDER --wordnet WORDNET_FOLDER [--minutes 50] [--output FOLDER]
    python -m scripts.train_contradiction_head DATA_FOLDER --wordnet WORDNET_FOLDER --small      # two minutes

WORDNET_FOLDER holds WordNet's dictionary files (Debian's package wordnet-base: /usr/share/wordnet). A run ends after
`--minutes` of training, whatever the machine: the learning rate falls to zero at that time. Every two minutes a
checkpoint is written; the same command with `--resume` goes on from it. A GPU is used when there is one.

1. Pairs of evidence and claim are made from sets whose licences allow it (scripts/training_data/).
2. Six layers of MiniLM, the marks and two outputs are trained; word embeddings stay as they are.
3. Largest activations are found on training pairs, and the weights rounded to int8 with them (SmoothQuant).
4. contradiction_head.safetensors and contradiction_head.json (settings, data, counts, figures) are written.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import hashlib
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional

from generation.checking.contradiction.contradiction_head import WEIGHTS, graph_inputs, output_lines
from generation.checking.contradiction.pair_encoding import Row, row, visible
from retrieval import minilm_graph
from runtime.model_files import minilm_tokenizer, minilm_weights
from scripts.training_data import human_pairs
from scripts.training_data.corpora import documents
from scripts.training_data.dialogues import dialogue_groups
from scripts.training_data.edited_sentences import edited_groups
from scripts.training_data.edits import Edits
from scripts.training_data.pairs import TrainingGroup
from scripts.training_data.question_claims import question_groups, questions
from scripts.training_data.rewordings import Rewordings
from scripts.training_data.torch_reader import TorchReader
from scripts.training_data.wordnet import WordNet

TARGET = Path(__file__).resolve().parents[1] / "generation" / "checking" / "contradiction"
UNKNOWN = -1.0
"""Target of a token whose label is not known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A row with the targets of its claims (supported 1, not 0) and of all its tokens (not carried 1, else 0)."""

    row: Row
    supported: np.ndarray
    tokens: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """Shares are of claims; `tokens_at_once` bounds the padded size of a batch."""

    edited: float = 0.58
    questions: float = 0.08
    dialogues: float = 0.07
    human: float = 0.27
    tokens_at_once: int = 1600
    rate: float = 1.2e-4
    token_weight: float = 1.0
    pool: int = 4096
    use_marks: bool = True


class GroupEncoder:
    """Training groups to rows and targets."""

    def __init__(self, recipe: Recipe) -> None:
        self._tokenizer = Tokenizer.from_file(str(minilm_tokenizer()))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._use_marks = recipe.use_marks

    def encode(self, groups: Sequence[TrainingGroup]) -> list[Example]:
        evidence = self._tokenizer.encode_batch_fast([one.evidence for one in groups], add_special_tokens=False)
        found = []
        for group, passage in zip(groups, evidence, strict=True):
            claims = self._tokenizer.encode_batch([one.text for one in group.claims], add_special_tokens=False)
            encoded = row(passage.ids, [one.ids for one in claims])
            if not self._use_marks:
                encoded.marks[encoded.marks > 1] = 0
            tokens = np.full(len(encoded.ids), UNKNOWN, np.float32)
            for claim, own, (first, after) in zip(group.claims, claims, encoded.claims, strict=True):
                spans = claim.unsupported
                if spans is not None:
                    offsets = own.offsets[: after - first]
                    tokens[first:after] = [any(start < b and a < end for a, b in spans) for start, end in offsets]
            found.append(Example(encoded, np.array([one.supported for one in group.claims], np.float32), tokens))
        return found


class Data:
    """All sources, mixed: rule-made pairs fresh each time, labelled ones in turns."""

    def __init__(self, folder: Path, wordnet: Path, recipe: Recipe, seed: int, share: float) -> None:
        rng = random.Random(seed)
        words = WordNet(wordnet)
        rewordings, edits = Rewordings(words), Edits(words)
        self.counts: collections.Counter[str] = collections.Counter()
        human = [
            *(one for one in human_pairs.begin(folder) if not human_pairs.held_out(one.evidence)),
            *human_pairs.halueval(folder),
            *human_pairs.snli(folder),
            *human_pairs.clapnq(folder),
        ]
        asked = questions(folder)
        self._streams = [
            edited_groups(documents(folder, rng, share=share), rewordings, edits, rng),
            question_groups(asked, rng),
            dialogue_groups(asked, rng),
            _in_turns(human, rng),
        ]
        self._shares = [recipe.edited, recipe.questions, recipe.dialogues, recipe.human]
        self._pool = recipe.pool
        tuning = random.Random(7)
        made = edited_groups(documents(folder, tuning, tuning=True), rewordings, edits, tuning)
        self.held_out = {
            "edited": list(itertools.islice(made, 250)),
            "squad_synthetic": list(human_pairs.squad_synthetic(folder, "tune"))[::3],
            "begin": [one for one in human_pairs.begin(folder) if human_pairs.held_out(one.evidence)],
        }

    def pool(self) -> list[TrainingGroup]:
        """The next groups, in no particular order."""
        found: list[TrainingGroup] = []
        for stream, share in zip(self._streams, self._shares, strict=True):
            count = 0
            while count < share * self._pool:
                found.append(next(stream))
                count += len(found[-1].claims)
                self.counts[found[-1].source] += len(found[-1].claims)
        return found


def _in_turns(groups: Sequence[TrainingGroup], rng: random.Random) -> Iterator[TrainingGroup]:
    order = list(groups)
    while True:
        rng.shuffle(order)
        yield from order


def batches(examples: Sequence[Example], tokens_at_once: int, rng: random.Random) -> list[list[Example]]:
    """Of rows of like lengths, in random order."""
    found: list[list[Example]] = [[]]
    for one in sorted(examples, key=lambda one: (len(one.row.ids), rng.random())):
        if found[-1] and len(one.row.ids) * (len(found[-1]) + 1) > tokens_at_once:
            found.append([])
        found[-1].append(one)
    rng.shuffle(found)
    return found


def tensors(batch: Sequence[Example], device: torch.device) -> dict[str, torch.Tensor]:
    length = max(len(one.row.ids) for one in batch)
    shape = (len(batch), length)
    ids, positions, marks = (np.zeros(shape, np.int64) for _ in range(3))
    parts, targets = np.full(shape, -1, np.int32), np.full(shape, UNKNOWN, np.float32)
    places = []
    for at, one in enumerate(batch):
        own = len(one.row.ids)
        ids[at, :own], positions[at, :own], marks[at, :own] = one.row.ids, one.row.positions, one.row.marks
        parts[at, :own], targets[at, :own] = one.row.parts, one.tokens
        places += [(at * length + first, at * length + after) for first, after in one.row.claims]
    of_claim = np.zeros((len(places), len(batch) * length), bool)
    for at, (first, after) in enumerate(places):
        of_claim[at, first:after] = True
    arrays = {
        "ids": ids,
        "positions": positions,
        "marks": marks,
        "seen": np.stack([np.where(visible(one), 0.0, -1e4) for one in parts]).astype(np.float32),
        "targets": targets.reshape(-1),
        "first": np.array([first - 1 for first, _ in places]),
        "of_claim": of_claim,
        "supported": np.concatenate([one.supported for one in batch]),
    }
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def logits(model: TorchReader, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    # On a CPU without AMX bfloat16 is a quarter as fast as fp32.
    on_gpu = batch["ids"].device.type == "cuda"
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=on_gpu):
        states = model(batch["ids"], batch["positions"], batch["marks"], batch["seen"])
    return model.judge(states, batch["first"], batch["of_claim"])


def loss_of(model: TorchReader, batch: dict[str, torch.Tensor], token_weight: float) -> torch.Tensor:
    supported, tokens = logits(model, batch)
    sentence = functional.binary_cross_entropy_with_logits(supported, batch["supported"])
    known = batch["targets"] >= 0
    if not known.any():
        return sentence
    weight = 1.0 + 2.0 * batch["targets"][known]
    token = functional.binary_cross_entropy_with_logits(tokens[known], batch["targets"][known], weight=weight)
    return sentence + token_weight * token


@torch.no_grad()
def scores(
    model: TorchReader, examples: Sequence[Example], device: torch.device
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Probability of support of each claim, and logits of the tokens of each row."""
    supported, tokens = [np.zeros(0)] * len(examples), [np.zeros(0)] * len(examples)
    order = sorted(range(len(examples)), key=lambda at: len(examples[at].row.ids))
    for start in range(0, len(order), 12):
        own = order[start : start + 12]
        batch = [examples[at] for at in own]
        by_claim, by_token = logits(model, tensors(batch, device))
        probabilities, length = torch.sigmoid(by_claim).cpu().numpy(), max(len(one.row.ids) for one in batch)
        begin = 0
        for line, (at, one) in enumerate(zip(own, batch, strict=True)):
            supported[at] = probabilities[begin : begin + len(one.row.claims)]
            begin += len(one.row.claims)
            tokens[at] = by_token[line * length : line * length + len(one.row.ids)].cpu().numpy()
    return np.concatenate(supported), tokens


def auroc(good: np.ndarray, score: np.ndarray) -> float:
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    for value in np.unique(score):
        same = score == value
        ranks[same] = ranks[same].mean()
    positives = good.sum()
    return float((ranks[good].sum() - positives * (positives + 1) / 2) / (positives * (len(good) - positives)))


def figures(
    model: TorchReader, held_out: dict[str, list[TrainingGroup]], encoder: GroupEncoder, device: torch.device
) -> dict[str, float]:
    """AUROC on each held-out set; on rule-made edits by kind and over tokens too."""
    found = {}
    for name, groups in held_out.items():
        examples = encoder.encode(groups)
        supported, tokens = scores(model, examples, device)
        claims = [claim for group in groups for claim in group.claims]
        good = np.array([one.supported for one in claims])
        found[name] = auroc(good, supported)
        if name == "edited":
            targets, by_token = np.concatenate([one.tokens for one in examples]), np.concatenate(tokens)
            known = targets >= 0
            found["edited tokens"] = auroc(targets[known] > 0, by_token[known])
            for kind in sorted({one.kind for one in claims} - {"supported"}):
                own = np.array([one.kind in (kind, "supported") for one in claims])
                found[f"edited: {kind}"] = auroc(good[own], supported[own])
    return {name: round(value, 4) for name, value in found.items()}


def ranges(exported: dict[str, np.ndarray], examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """The largest activations by channel of the inputs of linear layers, over some rows."""
    import onnxruntime

    weights = load_file(minilm_weights())
    own = {**minilm_graph.norms(exported), **minilm_graph.linear_layers(exported)}
    graph = minilm_graph.build_reader(weights, own, exported["head.marks"], output_lines(exported), observe=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs() if one.name != "logits"]
    found: dict[str, np.ndarray] = {}
    for example in examples:
        for name, values in zip(names, session.run(names, graph_inputs(example.row)), strict=True):
            layer = name.removesuffix(minilm_graph.name_of_input(""))
            found[layer] = np.maximum(found.get(layer, 1e-3), np.abs(values[0]).max(axis=0))
    return found


def shipped(exported: dict[str, np.ndarray], examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """What the safetensors file holds: layers in int8, the rest in fp32."""
    layers = minilm_graph.quantized(minilm_graph.linear_layers(exported), ranges(exported, examples))
    heads = {name: array for name, array in exported.items() if name.startswith("head.")}
    found = {**minilm_graph.norms(exported), **layers, **heads}
    return {name: np.ascontiguousarray(array) for name, array in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.add_argument("--checkpoint", type=Path, default=Path("/tmp/contradiction_head.pt"))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--export-only", action="store_true", help="write the checkpoint as it is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recipe", default="{}", help="JSON, fields of Recipe")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    recipe = Recipe(**json.loads(arguments.recipe))
    minutes = 1.0 if arguments.small else arguments.minutes
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)

    encoder, rng = GroupEncoder(recipe), random.Random(arguments.seed)
    model = TorchReader(load_file(minilm_weights())).to(device)
    groups = [
        {"params": list(model.parts.values()), "rate": recipe.rate},
        {"params": [model.marks, *model.outputs.values()], "rate": 8 * recipe.rate},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=0.01)
    spent, steps, saved = 0.0, 0, 0.0
    counts: dict[str, int] = {}
    if arguments.resume or arguments.export_only:
        state = torch.load(arguments.checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        spent, steps, saved, counts = state["spent"], state["steps"], state["spent"], state["counts"]
    share = 0.1 if arguments.small else 1.0
    # Another seed after a resumption: the claims must not come again.
    data = Data(arguments.data, arguments.wordnet, recipe, arguments.seed + steps, share)
    data.counts.update(counts)
    running = collections.deque[float](maxlen=100)
    while spent < 60 * minutes and not arguments.export_only:
        for rows in batches(encoder.encode(data.pool()), recipe.tokens_at_once, rng):
            began = time.monotonic()
            done = spent / (60 * minutes)
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * min(1.0, done / 0.05 + 0.02) * max(0.0, 1.0 - done)
            loss = loss_of(model, tensors(rows, device), recipe.token_weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running.append(float(loss.detach()))
            steps += 1
            spent += time.monotonic() - began
            if steps % 100 == 0:
                print(f"step {steps}, {spent:.0f} s, loss {np.mean(running):.3f}")
            if spent >= 60 * minutes:
                break
        if spent - saved > 120 or spent >= 60 * minutes:
            saved = spent
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent, "steps": steps,
                     "counts": dict(data.counts)}  # fmt: skip
            partial = arguments.checkpoint.with_suffix(".partial")
            torch.save(state, partial)
            partial.replace(arguments.checkpoint)
    found = figures(model, data.held_out, encoder, device)
    print(json.dumps(found, indent=1))
    rows = encoder.encode([one for _ in range(2) for one in data.pool()])[:400]
    arguments.output.mkdir(parents=True, exist_ok=True)
    weights = arguments.output / WEIGHTS
    save_file(shipped(model.exported(), rows), weights)
    record = {
        "settings": {
            **dataclasses.asdict(recipe),
            "seed": arguments.seed,
            "minutes": minutes,
            "small": arguments.small,
        },
        "machine": {"device": device.type, "threads": torch.get_num_threads(), "torch": torch.__version__},
        "seconds": round(spent),
        "steps": steps,
        "claims": dict(data.counts),
        "held_out_auroc": found,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    weights.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"{weights}: {weights.stat().st_size / 1e6:.1f} MB after {steps} steps, {spent:.0f} s")


if __name__ == "__main__":
    main()
