"""A small llama in PyTorch, and its export to GGUF."""

from dataclasses import dataclass
from pathlib import Path

import gguf
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass
class Config:
    vocab: int = 1536
    dim: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 544
    context: int = 2048
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


class Norm(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c.dim))
        self.eps = c.norm_eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        kv = c.kv_heads * c.head_dim
        self.attn_norm, self.ffn_norm = Norm(c), Norm(c)
        self.q = nn.Linear(c.dim, c.dim, bias=False)
        self.k = nn.Linear(c.dim, kv, bias=False)
        self.v = nn.Linear(c.dim, kv, bias=False)
        self.o = nn.Linear(c.dim, c.dim, bias=False)
        self.gate = nn.Linear(c.dim, c.hidden, bias=False)
        self.up = nn.Linear(c.dim, c.hidden, bias=False)
        self.down = nn.Linear(c.hidden, c.dim, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        c, (batch, time, _) = self.c, x.shape
        h = self.attn_norm(x)
        q = self.q(h).view(batch, time, c.heads, c.head_dim).transpose(1, 2)
        k = self.k(h).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        v = self.v(h).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = c.heads // c.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(a.transpose(1, 2).reshape(batch, time, c.dim))
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates neighbouring pairs, as llama.cpp does for this architecture, so that no weight is permuted on export."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


class Llama(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c.vocab, c.dim)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = Norm(c)
        freq = c.rope_base ** (-torch.arange(0, c.head_dim, 2) / c.head_dim)
        angle = torch.outer(torch.arange(c.context), freq)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
            # What writes into the residual stream starts at zero: every layer begins as the identity.
            if name.endswith(("o.weight", "down.weight")):
                nn.init.zeros_(p)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits; the output matrix is the embedding (tied)."""
        time = ids.shape[1]
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:time], self.sin[:time])
        return F.linear(self.norm(x), self.embed.weight)


def export(model: Llama, tokens: list[str], merges: list[str], specials: int, path: Path) -> None:
    """Writes the model as GGUF: matrices in Q8_0, norms in F32."""
    c = model.c
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("modeld-demo")
    w.add_author("the modeld authors")
    w.add_license("MIT OR Apache-2.0")
    w.add_description("A tiny demo model of modeld, trained only on the project's own prose about leases and sessions.")
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_vocab_size(c.vocab)
    w.add_context_length(c.context)
    w.add_embedding_length(c.dim)
    w.add_block_count(c.layers)
    w.add_feed_forward_length(c.hidden)
    w.add_head_count(c.heads)
    w.add_head_count_kv(c.kv_heads)
    w.add_rope_dimension_count(c.head_dim)
    w.add_rope_freq_base(c.rope_base)
    w.add_layer_norm_rms_eps(c.norm_eps)

    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    w.add_token_types([control if i < specials else normal for i in range(c.vocab)])
    w.add_token_merges(merges)
    w.add_bos_token_id(0)
    w.add_eos_token_id(0)
    w.add_pad_token_id(0)
    w.add_eot_token_id(2)
    w.add_add_bos_token(True)
    w.add_chat_template(CHAT_TEMPLATE)

    names = {"embed": "token_embd", "norm": "output_norm"}
    parts = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output"}
    parts |= {"gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
    for i in range(c.layers):
        names |= {f"layers.{i}.{ours}": f"blk.{i}.{theirs}" for ours, theirs in parts.items()}
        names |= {f"layers.{i}.{norm}": f"blk.{i}.{norm}" for norm in ("attn_norm", "ffn_norm")}
    for name, p in model.named_parameters():
        data = p.detach().float().numpy()
        kind = gguf.GGMLQuantizationType.Q8_0 if p.dim() == 2 else gguf.GGMLQuantizationType.F32
        w.add_tensor(f"{names[name.removesuffix('.weight')]}.weight", gguf.quants.quantize(data, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
