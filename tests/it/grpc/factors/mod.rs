//! Second factors: enrolled, asked for at the sign-in, proven again, and lost.

mod enrolment;
mod levels;
mod matrix;
mod operator;
mod passkeys;
mod recovery;
mod required;
mod sign_in;
mod step_up;
mod strangers;
