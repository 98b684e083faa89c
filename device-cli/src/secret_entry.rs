//! A secret that a person types, and nobody sees.

use oauth_client::Secret;
use zeroize::Zeroizing;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::terminal::{Terminal, Typing};

/// One line without echo, of at most so many bytes: the buffer must not grow, which would leave copies behind. `None`:
/// an empty one.
pub(crate) async fn read(
    prompt: &str,
    most_bytes: usize,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<Option<Secret>, Failure> {
    let mut typing = terminal.read_typing(prompt).map_err(|error| {
        Failure::usage(format!(
            "nothing can be typed here unseen ({error}): give it by a file or standard input"
        ))
    })?;
    let mut text = Zeroizing::new(String::with_capacity(most_bytes));
    let typed = loop {
        let typed = tokio::select! {
            typed = typing.recv() => typed,
            code = interruption.next() => break Err(code),
        };
        match typed {
            Some(Typing::Character(character)) if text.len() + character.len_utf8() <= most_bytes => {
                text.push(character);
            }
            Some(Typing::Character(_)) => {}
            Some(Typing::EraseOne) => drop(text.pop()),
            Some(Typing::EraseAll) => text.clear(),
            Some(Typing::Enter) => break Ok(()),
            Some(Typing::Interrupt) | None => {
                interruption.happened();
                break Err(ExitCode::Interrupted);
            }
        }
    };
    terminal.end_typing();
    typed.map_err(Failure::interrupted)?;
    Ok((!text.is_empty()).then(|| Secret::from(text.as_str())))
}
