pub mod chaos;
pub mod deaths;
pub mod files;
pub mod life;
pub mod wrongs;
