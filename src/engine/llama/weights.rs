//! A model's weights and vocabulary.
#![expect(unsafe_code, reason = "llama.cpp's model is C")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;
use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;

use super::{backend_failed, device, log};
use crate::engine::backend::{Adapter, Pooling};
use crate::engine::grammar::Pieces;
use crate::owner::gate::ResidentPermit;

/// A loaded model.
pub(super) struct Weights {
    model: NonNull<sys::llama_model>,
    vocab: NonNull<sys::llama_vocab>,
    /// Its adapters and their scales; llama.cpp frees them with the model.
    adapters: Vec<(NonNull<sys::llama_adapter_lora>, f32)>,
}

impl Weights {
    /// Reads the model; `None` if `progress` broke it off.
    pub(super) fn load(
        _permit: &ResidentPermit<'_>,
        path: &Path,
        gpu_layers: Option<u32>,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Option<Self>, String> {
        log::init();
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        let mut reader = Reader { progress, broken_off: false };
        // SAFETY: only fills a struct.
        let mut params = unsafe { sys::llama_model_default_params() };
        params.n_gpu_layers = match gpu_layers {
            Some(layers) => i32::try_from(layers).unwrap_or(i32::MAX),
            None if device::can_offload() => -1,
            None => 0,
        };
        params.progress_callback = Some(report);
        params.progress_callback_user_data = (&raw mut reader).cast::<c_void>();
        // SAFETY: `name` ends with a zero byte; `reader` outlives the call, which is the only one that uses the callback.
        let (model, said) =
            log::captured(|| unsafe { sys::llama_model_load_from_file(name.as_ptr(), params) });
        let Some(model) = NonNull::new(model) else {
            return if reader.broken_off { Ok(None) } else { Err(or(said, "llama.cpp does not say why")) };
        };
        // SAFETY: `model` was just made; the vocabulary is a part of it and lives as long.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        let Some(vocab) = NonNull::new(vocab.cast_mut()) else {
            // SAFETY: made above and not used any more.
            unsafe { sys::llama_model_free(model.as_ptr()) };
            return Err("it has no vocabulary".to_string());
        };
        let weights = Weights { model, vocab, adapters: Vec::new() };
        weights.check().map(|()| Some(weights))
    }

    pub(super) fn as_ptr(&self) -> *mut sys::llama_model {
        self.model.as_ptr()
    }

    /// Refuses what can be loaded and not be used here.
    fn check(&self) -> Result<(), String> {
        // SAFETY: reads of a live model.
        let (vocab, encodes, decodes, diffuses) = unsafe {
            (
                sys::llama_vocab_type(self.vocab.as_ptr()),
                sys::llama_model_has_encoder(self.model.as_ptr()),
                sys::llama_model_has_decoder(self.model.as_ptr()),
                sys::llama_model_is_diffusion(self.model.as_ptr()),
            )
        };
        if vocab == sys::LLAMA_VOCAB_TYPE_NONE {
            return Err("it has no tokenizer".to_string());
        }
        if encodes && decodes || diffuses {
            return Err("it neither generates text token by token nor embeds it".to_string());
        }
        Ok(())
    }

    /// Loads an adapter, whose file was checked.
    pub(super) fn add_adapter(&mut self, adapter: &Adapter) -> Result<(), String> {
        let name = CString::new(adapter.path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the model is alive and used by no other thread; `name` ends with a zero byte.
        let (lora, said) =
            log::captured(|| unsafe { sys::llama_adapter_lora_init(self.model.as_ptr(), name.as_ptr()) });
        let lora = NonNull::new(lora).ok_or_else(|| or(said, "llama.cpp does not say why"))?;
        self.adapters.push((lora, adapter.scale));
        Ok(())
    }

    /// Has a context use all adapters, at once: one call replaces what the one before had set.
    pub(super) fn apply_adapters(&self, context: NonNull<sys::llama_context>) {
        let (mut adapters, mut scales): (Vec<_>, Vec<_>) =
            self.adapters.iter().map(|(adapter, scale)| (adapter.as_ptr(), *scale)).unzip();
        // SAFETY: the context is alive and of this model, as the adapters are; both lists have that many entries and are only read.
        unsafe {
            sys::llama_set_adapters_lora(
                context.as_ptr(),
                adapters.as_mut_ptr(),
                adapters.len(),
                scales.as_mut_ptr(),
            )
        };
    }

    /// Whether it only encodes, by a call of its own.
    pub(super) fn is_encoder(&self) -> bool {
        // SAFETY: a read of a live model.
        unsafe { sys::llama_model_has_encoder(self.model.as_ptr()) }
    }

    /// Numbers of an embedding.
    pub(super) fn embedding_length(&self) -> usize {
        // SAFETY: a read of a live model.
        usize::try_from(unsafe { sys::llama_model_n_embd_out(self.model.as_ptr()) }).unwrap_or(0)
    }

    /// Positions that a token looks at in the layers with a sliding window.
    pub(super) fn window(&self) -> Option<u32> {
        // SAFETY: a read of a live model.
        u32::try_from(unsafe { sys::llama_model_n_swa(self.model.as_ptr()) })
            .ok()
            .filter(|window| 0 < *window)
    }

    /// How it makes one embedding of those of the tokens, if its file says so.
    ///
    /// # Errors
    /// What the file says, if that gives no embedding.
    pub(super) fn pooling(&self, architecture: &str) -> Result<Option<Pooling>, String> {
        let key = CString::new(format!("{architecture}.pooling_type")).map_err(|error| error.to_string())?;
        let mut text = [0; 16];
        // SAFETY: the model is alive; the key ends with a zero byte, and the text has room for as many bytes as are said.
        let length = unsafe {
            sys::llama_model_meta_val_str(self.model.as_ptr(), key.as_ptr(), text.as_mut_ptr(), text.len())
        };
        if length < 0 {
            return Ok(None);
        }
        // SAFETY: llama.cpp has ended the text with a zero byte within its room.
        match unsafe { CStr::from_ptr(text.as_ptr()) }.to_bytes() {
            b"0" => Ok(None),
            b"1" => Ok(Some(Pooling::Mean)),
            b"2" => Ok(Some(Pooling::First)),
            b"3" => Ok(Some(Pooling::Last)),
            b"4" => Err("it ranks texts and gives no embedding".to_string()),
            other => Err(format!("its pooling {} is not known", String::from_utf8_lossy(other))),
        }
    }

    /// Tokens that the model was trained on at once.
    pub(super) fn context_train(&self) -> usize {
        // SAFETY: a read of a live model.
        usize::try_from(unsafe { sys::llama_model_n_ctx_train(self.model.as_ptr()) }).unwrap_or(1).max(1)
    }

    /// Whether its state is more than a list of positions, so that a part of it can't be copied.
    pub(super) fn is_recurrent(&self) -> bool {
        // SAFETY: reads of a live model.
        unsafe {
            sys::llama_model_is_recurrent(self.model.as_ptr())
                || sys::llama_model_is_hybrid(self.model.as_ptr())
        }
    }

    /// Tokens in the vocabulary.
    pub(super) fn vocabulary(&self) -> usize {
        // SAFETY: a read of a live vocabulary.
        usize::try_from(unsafe { sys::llama_vocab_n_tokens(self.vocab.as_ptr()) }).unwrap_or(0)
    }

    /// The chat template of this name, or the one without a name.
    pub(super) fn chat_template(&self, name: Option<&CStr>) -> Option<String> {
        let name = name.map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: a read of a live model; null asks for the template without a name.
        let text = unsafe { sys::llama_model_chat_template(self.model.as_ptr(), name) };
        text_at(text)
    }

    /// The text of the token that begins a text.
    pub(super) fn bos_text(&self) -> String {
        // SAFETY: a read of a live vocabulary.
        self.text_of(unsafe { sys::llama_vocab_bos(self.vocab.as_ptr()) })
    }

    /// The text of the token that ends a text.
    pub(super) fn eos_text(&self) -> String {
        // SAFETY: a read of a live vocabulary.
        self.text_of(unsafe { sys::llama_vocab_eos(self.vocab.as_ptr()) })
    }

    /// The tokens of a text.
    pub(super) fn tokenize(&self, text: &str, beginning: bool, control: bool) -> Result<Vec<TokenId>, Error> {
        let length =
            i32::try_from(text.len()).map_err(|_| backend_failed("the text is too long for llama.cpp"))?;
        // A token is at least a byte, but for the few that are put around the text: one call is enough as a rule.
        let mut tokens: Vec<sys::llama_token> = vec![0; text.len() + SPECIALS];
        loop {
            let room = i32::try_from(tokens.len()).unwrap_or(i32::MAX);
            // SAFETY: `text` has `length` bytes, `tokens` has room for `room` tokens, and the vocabulary is alive.
            let count = unsafe {
                sys::llama_tokenize(
                    self.vocab.as_ptr(),
                    text.as_ptr().cast::<c_char>(),
                    length,
                    tokens.as_mut_ptr(),
                    room,
                    beginning,
                    control,
                )
            };
            match usize::try_from(count) {
                Ok(count) => tokens.truncate(count),
                // The negative number is how many there are.
                Err(_) if -i64::from(count) <= i64::from(room) || count == i32::MIN => {
                    return Err(backend_failed("the text could not be tokenized"));
                }
                Err(_) => {
                    tokens.resize(count.unsigned_abs() as usize, 0);
                    continue;
                }
            }
            // SAFETY: a read of a live vocabulary.
            let begin = unsafe { sys::llama_vocab_bos(self.vocab.as_ptr()) };
            if beginning && tokens.starts_with(&[begin, begin]) {
                // The text begins with it already, as rendered chats do.
                tokens.remove(0);
            }
            return Ok(tokens.into_iter().map(TokenId).collect());
        }
    }

    /// Appends the bytes of a token; none for a control token.
    pub(super) fn piece(&self, token: TokenId, bytes: &mut Vec<u8>) -> Result<(), Error> {
        self.check_token(token)?;
        let start = bytes.len();
        let mut room = PIECE_BYTES;
        loop {
            bytes.resize(start + room, 0);
            let length = i32::try_from(room).map_err(backend_failed)?;
            // SAFETY: there are `room` bytes behind `start`; the token was checked; the vocabulary is alive.
            let count = unsafe {
                sys::llama_token_to_piece(
                    self.vocab.as_ptr(),
                    token.0,
                    bytes.as_mut_ptr().add(start).cast::<c_char>(),
                    length,
                    0,
                    false,
                )
            };
            match usize::try_from(count) {
                Ok(count) => {
                    bytes.truncate(start + count.min(room));
                    return Ok(());
                }
                // The negative number is how many there are.
                Err(_) => room = (count.unsigned_abs() as usize).max(room + 1),
            }
        }
    }

    /// The texts of all tokens.
    pub(super) fn pieces(&self) -> Result<Pieces, Error> {
        let tokens = (0..self.vocabulary() as i32).map(TokenId);
        let pieces = tokens.map(|token| {
            let mut bytes = Vec::new();
            self.piece(token, &mut bytes).map(|()| (bytes, self.is_end(token)))
        });
        Ok(Pieces::new(pieces.collect::<Result<Vec<_>, _>>()?))
    }

    /// Whether the token ends a text.
    pub(super) fn is_end(&self, token: TokenId) -> bool {
        // SAFETY: the token was checked; the vocabulary is alive.
        self.check_token(token).is_ok() && unsafe { sys::llama_vocab_is_eog(self.vocab.as_ptr(), token.0) }
    }

    /// llama.cpp does not check token numbers everywhere.
    pub(super) fn check_token(&self, token: TokenId) -> Result<(), Error> {
        match usize::try_from(token.0) {
            Ok(number) if number < self.vocabulary() => Ok(()),
            _ => Err(backend_failed(format!("there is no token {token}"))),
        }
    }

    fn text_of(&self, token: sys::llama_token) -> String {
        if self.check_token(TokenId(token)).is_err() {
            return String::new();
        }
        // SAFETY: the token was checked; the vocabulary is alive.
        text_at(unsafe { sys::llama_vocab_get_text(self.vocab.as_ptr(), token) }).unwrap_or_default()
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        // SAFETY: made by llama.cpp, freed once; the context that used it is freed before (field order there).
        unsafe { sys::llama_model_free(self.model.as_ptr()) };
    }
}

/// Whom a load reports to.
struct Reader<'a> {
    progress: &'a mut dyn FnMut(f32) -> ControlFlow<()>,
    broken_off: bool,
}

unsafe extern "C" fn report(fraction: f32, data: *mut c_void) -> bool {
    // SAFETY: `data` is the `Reader` of the load that calls, which is alive and used by nobody else meanwhile.
    let reader = unsafe { &mut *data.cast::<Reader<'_>>() };
    reader.broken_off |= (reader.progress)(fraction).is_break();
    !reader.broken_off
}

/// What the library calls its version.
pub(super) fn ggml_version() -> String {
    // SAFETY: no arguments; a text that is part of the library.
    text_at(unsafe { sys::ggml_version() }).unwrap_or_default()
}

/// A copy of a text of llama.cpp; `None` for null.
pub(super) fn text_at(text: *const c_char) -> Option<String> {
    // SAFETY: not null, ends with a zero byte, and lives as long as what it came from.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

pub(super) fn or(said: String, otherwise: &str) -> String {
    if said.is_empty() { otherwise.to_string() } else { said }
}

/// Tokens that may be put around a text.
const SPECIALS: usize = 8;

/// Bytes of most pieces; longer ones are asked for again.
const PIECE_BYTES: usize = 32;
