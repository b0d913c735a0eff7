//! How a driver ends: well, or with a sentence for its log.
use rtt_driver::Error;

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Being told to stop is a good end; everything else stays an error.
pub fn unless_stopping<T: Default>(result: Result<T, Error>) -> Outcome<T> {
    match result {
        Err(Error::Stopping) => Ok(T::default()),
        other => Ok(other?),
    }
}
