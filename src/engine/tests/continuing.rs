//! An answer that goes on in another session, as it does when another owner takes over.

use modeld_spec::error::Error;
use modeld_spec::session::params::DecodeParams;
use modeld_spec::session::report::DecodeEvent;
use modeld_spec::session::stop::StopStrings;
use modeld_spec::session::tape::TokenId;

use super::{collect, engine, greedy, open};
use crate::engine::toy::Toy;
use crate::engine::{Limits, Prompt};

#[tokio::test]
async fn an_answer_that_goes_on_elsewhere_is_the_same_to_the_last_character() {
    let (engine, _) = engine(Toy { ends: false, ..Toy::default() }, Limits::default());
    // A stop string that is begun often and not completed: text is held back across items.
    let params = || DecodeParams { stop: StopStrings::new(vec!["é!".to_string()]).unwrap(), ..greedy(80) };
    let prompt = || Prompt::literal("the lease");
    let session = open(&engine).await;
    session.ensure_prefix(prompt()).await.unwrap();
    let mut stream = session.decode(params()).await.unwrap();
    let mut heads = vec![(String::new(), Vec::new())];
    while let Some(item) = stream.next().await {
        let (mut text, mut tokens) = heads.last().cloned().unwrap();
        match item.unwrap().event {
            DecodeEvent::Text { text: more, tokens: ids, .. } => (text.push_str(&more), tokens.extend(ids)),
            DecodeEvent::End(end) => (text.push_str(&end.text), tokens.extend(end.tokens)),
        };
        heads.push((text, tokens));
    }
    let (whole, all) = heads.pop().unwrap();
    assert!(whole.contains('é') && all.len() == 80 && 20 < heads.len());
    for (text, tokens) in heads {
        let other = open(&engine).await;
        other.ensure_prefix(prompt()).await.unwrap();
        let rest = all.len() - tokens.len();
        let going_on = DecodeParams { continues: tokens.clone(), max_tokens: Some(rest as u64), ..params() };
        let output = collect(other.decode(going_on).await.unwrap()).await.unwrap();
        assert_eq!((text + &output.text, [tokens, output.tokens].concat()), (whole.clone(), all.clone()));
        other.close().await.unwrap();
    }
}

#[tokio::test]
async fn tokens_that_no_answer_can_have_are_refused() {
    let (engine, _) = engine(Toy::default(), Limits::default());
    let session = open(&engine).await;
    session.ensure_prefix(Prompt::literal("the lease")).await.unwrap();
    for continues in
        [vec![TokenId(-1)], vec![TokenId(258)], "stop".bytes().map(|b| TokenId(b.into())).collect()]
    {
        let stop = StopStrings::new(vec!["to".to_string()]).unwrap();
        let refused = session.decode(DecodeParams { continues, stop, ..greedy(1) }).await;
        assert!(matches!(refused, Err(Error::InvalidArgument { argument, .. }) if argument == "continues"));
    }
    // Nothing was put on the tape.
    assert_eq!(session.explain().await.unwrap().room.resident.0, 10);
}
