"""Holds demo.gguf, as llama.cpp runs it, against the checkpoint of the training: tokens, loss, and some text."""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from llama_cpp import Llama as LlamaCpp
from tokenizers import Tokenizer

import corpus
from model import Config, Llama

FOREIGN = [
    "Schöne Grüße, naïve café",
    "日本語のテキスト",
    "😀 emoji 👩‍💻",
    "tabs\tand\r\nlines   and   spaces ",
    "x = f(1234567)\n\n\n",
]
PROMPTS = ["The lease is", "When the owner stops,", "A follower", "The prefix", "It was late, and"]
QUESTIONS = [
    "What is a lease?",
    "Why does the owner stop?",
    "What does a follower do?",
    "what happens when the owner dies",
    "How does a prefix save time?",
    "What is the difference between a tape and a prompt?",
    "Tell me everything about the handover.",
    "Tell me a story about a lease.",
    "What is the capital of France?",
    "Schöne Grüße 😀",
]
SETTINGS = {
    "Greedy": {"temperature": 0.0, "repeat_penalty": 1.0},
    "Sampled": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.0, "seed": 7},
}


def cross_entropy(logits: np.ndarray, ids: list[int]) -> float:
    logits = logits[: len(ids) - 1].astype(np.float64)
    peak = logits.max(-1, keepdims=True)
    norm = peak[:, 0] + np.log(np.exp(logits - peak).sum(-1))
    return float((norm - logits[np.arange(len(ids) - 1), ids[1:]]).mean())


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--gguf", type=Path, default=Path(__file__).parent.parent / "demo.gguf")
    args.add_argument("--checkpoint", type=Path, required=True)
    args = args.parse_args()
    tokenizer = Tokenizer.from_file(str(args.checkpoint.with_suffix(".json")))
    model = Llama(Config())
    model.load_state_dict(torch.load(args.checkpoint))
    theirs = LlamaCpp(str(args.gguf), n_ctx=2048, logits_all=True, verbose=False, n_threads=2)

    rng = random.Random(12345)
    texts = FOREIGN + [corpus.text(rng) for _ in range(1000)]
    different, count = 0, 0
    for text in texts:
        ids = theirs.tokenize(text.encode(), add_bos=True, special=True)
        different += ids != [0, *tokenizer.encode(text).ids]
        different += theirs.detokenize(ids[1:], special=True).decode() != text
        count += len(ids)
    print(f"tokens: {different} of {len(texts)} texts differ, {count} tokens compared")

    losses, gaps, same = [], [], []
    for text in texts[-20:]:
        ids = [0, *tokenizer.encode(text).ids][:2048]
        with torch.no_grad():
            ours = model(torch.tensor([ids]))[0].numpy()
        theirs.reset()
        theirs.eval(ids)
        other = theirs.scores[: len(ids)]
        losses.append((cross_entropy(ours, ids), cross_entropy(other, ids)))
        gaps.append(np.abs(ours - other).max())
        same.append((ours.argmax(-1) == other.argmax(-1)).mean())
    ours_loss, their_loss = np.mean(losses, 0)
    print(f"loss: float32 in PyTorch {ours_loss:.4f}, GGUF in llama.cpp {their_loss:.4f}")
    print(f"logits: largest difference {max(gaps):.3f}, same first choice at {np.mean(same):.2%} of the positions")

    for title, settings in SETTINGS.items():
        values = ", ".join(f"{name} {value}" for name, value in settings.items())
        print(f"\n## {title}: {values}")
        for prompt in PROMPTS:
            out = theirs.create_completion(prompt, max_tokens=400, **settings)
            print(f"\n### {prompt!r}, {out['usage']['completion_tokens']} tokens\n")
            print(prompt + out["choices"][0]["text"])
        for question in QUESTIONS:
            messages = [{"role": "user", "content": question}]
            out = theirs.create_chat_completion(messages, max_tokens=400, **settings)
            print(f"\n### {question!r} in the chat, {out['usage']['completion_tokens']} tokens\n")
            print(out["choices"][0]["message"]["content"])


if __name__ == "__main__":
    main()
