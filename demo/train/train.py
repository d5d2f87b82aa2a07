"""Trains the tokenizer and the demo model on the corpus and writes demo.gguf."""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import corpus
from model import Config, Llama, export

SPECIALS = [corpus.END, corpus.IM_START, corpus.IM_END]
TOKENIZER_TEXTS = 3000
HELD_OUT_ROWS = 16
BATCH_TOKENS = 4096
STEPS = 1150
# The learning rate, as a share of the highest one, is linear between these steps.
RATE_STEPS = [0, 50, 550, 750, STEPS]
RATES = [0.0, 1.0, 1.0, 0.72, 0.01]
LATE = 750
# The last part is trained on long rows, so that every position of the context has been seen.
LONG_ROWS = 1050
SAVE_EVERY = 150
NOISE = 0.015


def make_tokenizer(c: Config, seed: int) -> Tokenizer:
    """A byte-level BPE, so that any text has tokens; the same pre-tokenizer as llama.cpp's "gpt-2"."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=c.vocab,
        special_tokens=SPECIALS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    rng = random.Random(seed)
    tokenizer.train_from_iterator((corpus.text(rng) for _ in range(TOKENIZER_TEXTS)), trainer)
    assert tokenizer.get_vocab_size() == c.vocab
    return tokenizer


def make_rows(tokenizer: Tokenizer, count: int, length: int, rng: random.Random, late: bool) -> torch.Tensor:
    """Rows of whole texts, each after an end mark, the last one cut; some rows begin without the mark."""
    rows = []
    for _ in range(count):
        row: list[int] = []
        while len(row) <= length + 1:
            row += [0, *tokenizer.encode(corpus.text(rng, late)).ids]
        skip = rng.random() < 0.2
        rows.append(row[skip : skip + length + 1])
    return torch.tensor(rows)


def disturb(rows: torch.Tensor) -> torch.Tensor:
    """Replaces a few of the tokens that are read, so that the model learns to recover from an odd token of its own."""
    odd = torch.rand(rows.shape) < NOISE
    return torch.where(odd, torch.randint(len(SPECIALS), Config.vocab, rows.shape), rows)


@torch.compile(dynamic=False)
def loss_of(model: Llama, seen: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(seen[:, :-1])
    return F.cross_entropy(logits.float().flatten(0, 1), right[:, 1:].flatten())


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "demo.gguf")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--lr", type=float, default=4e-3)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--checkpoint", type=Path, help="where to keep the unquantised weights and the tokenizer")
    args.add_argument("--resume", type=int, default=0, help="the step at which the checkpoint was made")
    args = args.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    c = Config()
    model = Llama(c)
    if args.resume:
        tokenizer = Tokenizer.from_file(str(args.checkpoint.with_suffix(".json")))
        model.load_state_dict(torch.load(args.checkpoint))
    else:
        tokenizer = make_tokenizer(c, args.seed)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)

    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    optimizers = [
        torch.optim.Muon(matrices, lr=args.lr, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=args.lr / 2, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    rng = random.Random(args.seed + 1 + args.resume)
    held_out = make_rows(tokenizer, HELD_OUT_ROWS, 1024, random.Random(args.seed - 1), late=False)

    def save() -> None:
        bpe = json.loads(tokenizer.to_str())["model"]
        merges = [" ".join(m) for m in bpe["merges"]]
        tokens = sorted(bpe["vocab"], key=bpe["vocab"].get)
        export(model, tokens, merges, len(SPECIALS), args.out)
        if args.checkpoint:
            torch.save(model.state_dict(), args.checkpoint)
            tokenizer.save(str(args.checkpoint.with_suffix(".json")))

    start, seen, smooth = time.time(), 0, 0.0
    for step in range(args.resume, STEPS):
        rate = np.interp(step + 1, RATE_STEPS, RATES)
        for optimizer, lr in zip(optimizers, (args.lr, args.lr / 2), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * rate
        length = 1024 if step < LONG_ROWS else c.context
        rows = make_rows(tokenizer, BATCH_TOKENS // length, length, rng, step >= LATE)
        loss = loss_of(model, disturb(rows), rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += BATCH_TOKENS
        smooth = loss.item() if step == args.resume else 0.95 * smooth + 0.05 * loss.item()
        if (step + 1) % 25 == 0 or step + 1 == STEPS:
            speed = seen / (time.time() - start)
            print(f"step {step + 1} loss {smooth:.4f} {seen / 1e6:.1f}M tokens {speed:.0f}/s", flush=True)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == STEPS:
            model.eval()
            with torch.no_grad():
                held = sum(loss_of(model, row[None], row[None]).item() for row in held_out) / HELD_OUT_ROWS
            model.train()
            print(f"held out {held:.4f} perplexity {math.exp(held):.3f}", flush=True)
            save()


if __name__ == "__main__":
    main()
