//! A registry on a company's network: who comes in, by which login, what each may do, and what is written down of it.

mod attacks;
mod audit;
mod certificates;
mod clients;
mod confluent;
pub mod house;
mod logins;
mod nodes;
mod proxy;
mod quotas;
mod reload;
