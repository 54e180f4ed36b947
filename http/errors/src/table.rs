//! The macro that makes a table's types.

/// Makes an API's error and its error code of one table.
///
/// ```
/// weir_errors::error_table! {
///     /// What the shop refuses.
///     pub enum ShopError;
///     /// The code of a refusal.
///     pub enum ShopCode;
///
///     /// There is no such article.
///     ArticleNotFound 40401 404 {
///         ArticleNotFound { number: u32 } => "Article {number} not found";
///         SoldOut { number: u32, articles: Vec<u32> }
///             => "Article {number} is sold out, there are: {:?}", articles;
///     }
///
///     http "{}"
///
///     also NotFound 404 404 {
///         Closed => "The shop is closed";
///     }
/// }
///
/// impl ShopError {
///     fn retry_after_s(&self) -> Option<u64> {
///         None
///     }
/// }
///
/// let error = ShopError::SoldOut { number: 7, articles: vec![1, 2] };
/// assert_eq!((error.code(), error.status()), (40401, 404));
/// assert_eq!(error.to_string(), "Article 7 is sold out, there are: [1, 2]");
/// assert_eq!(ShopCode::from(40401), ShopCode::ArticleNotFound);
/// assert_eq!(ShopError::from(weir_errors::HttpError::NotFound).code(), 404);
/// assert_eq!(ShopError::Closed.code(), 404);
/// ```
///
/// Each code has a name, its number, the HTTP status of answers with it, and the errors that it stands for with their
/// texts. `http` adds the rows of [`HttpError`](crate::HttpError), with the text of a bad request around its reason; `also` adds errors to a
/// code that has a row already. The error's method `retry_after_s` is the API's own.
#[macro_export]
macro_rules! error_table {
    (
        $(#[$error_meta:meta])*
        pub enum $Error:ident;
        $(#[$code_meta:meta])*
        pub enum $Code:ident;
        $(
            $(#[doc = $meaning:literal])+
            $name:ident $number:literal $status:literal {
                $(
                    $(#[$variant_meta:meta])*
                    $variant:ident $({ $($field:ident: $type:ty),+ $(,)? })?
                        => $text:literal $(, $argument:expr)*;
                )+
            }
        )*
        http $bad_request:literal
        $(
            also $also:ident $also_number:literal $also_status:literal {
                $(
                    $(#[$also_meta:meta])*
                    $also_variant:ident $({ $($also_field:ident: $also_type:ty),+ $(,)? })?
                        => $also_text:literal $(, $also_argument:expr)*;
                )+
            }
        )*
    ) => {
        $crate::error_table! {
            @all
            $(#[$error_meta])* $Error;
            $(#[$code_meta])* $Code;
            $(
                [$($meaning)+] $name $number $status {
                    $(
                        [$(#[$variant_meta])*] $variant $({ $($field: $type),+ })?
                            => $text $(, $argument)*;
                    )+
                }
            )*
            [" The request cannot be read."] BadRequest 400 400 {
                [] BadRequest { reason: String } => $bad_request, reason;
            }
            [" It is not known who asks."] Unauthorized 401 401 {
                [] Unauthorized => "Unauthorized";
            }
            [" The caller may not do this."] Forbidden 40301 403 {
                [] Denied => "User is denied operation on this server.";
            }
            [" A page of another site may not write."] ForeignOrigin 403 403 {
                [] ForeignOrigin { reason: String } => "{reason}";
            }
            [" There is nothing at this address."] NotFound 404 404 {
                [] NotFound => "HTTP 404 Not Found";
            }
            [" The address does not have this method."] MethodNotAllowed 405 405 {
                [] MethodNotAllowed => "HTTP 405 Method Not Allowed";
            }
            [" The client accepts no media type that the answer can have."] NotAcceptable 406 406 {
                [] NotAcceptable => "HTTP 406 Not Acceptable";
            }
            [" The body has not arrived in time."] BodyTimeout 408 408 {
                [] BodyTimeout => "HTTP 408 Request Timeout";
            }
            [" The body has too many bytes."] BodyTooLarge 413 413 {
                [] BodyTooLarge => "HTTP 413 Request Entity Too Large";
            }
            [" The body has a media type or an encoding that is not read here."]
            UnsupportedMediaType 415 415 {
                [] UnsupportedMediaType => "HTTP 415 Unsupported Media Type";
            }
            [" The request is for a name that the server does not have."] Misdirected 421 421 {
                [] Misdirected { reason: String } => "{reason}";
            }
            [" The client asks for more than it may."] RateLimited 429 429 {
                [] RateLimited { retry_after_s: u64 }
                    => "Request rate limit exceeded: The rate limit of requests per second has been exceeded.";
            }
            [" The server has failed."] Internal 500 500 {
                [] Internal => "Internal Server Error";
            }
            [" The server is busy or not ready; a later try may pass."] Unavailable 503 503 {
                [] Crowded => "Other requests' bodies take all the room that there is.";
                [] LoginUnavailable { retry_after_s: u64 } => "It cannot be found out now who asks.";
            }
            also
            $(
                $also $also_number $also_status {
                    $(
                        [$(#[$also_meta])*] $also_variant $({ $($also_field: $also_type),+ })?
                            => $also_text $(, $also_argument)*;
                    )+
                }
            )*
        }
    };

    (
        @all
        $(#[$error_meta:meta])* $Error:ident;
        $(#[$code_meta:meta])* $Code:ident;
        $(
            [$($meaning:literal)+] $name:ident $number:literal $status:literal {
                $(
                    [$(#[$variant_meta:meta])*] $variant:ident $({ $($field:ident: $type:ty),+ })?
                        => $text:literal $(, $argument:expr)*;
                )+
            }
        )*
        also
        $(
            $also:ident $also_number:literal $also_status:literal {
                $(
                    [$(#[$also_meta:meta])*]
                    $also_variant:ident $({ $($also_field:ident: $also_type:ty),+ })?
                        => $also_text:literal $(, $also_argument:expr)*;
                )+
            }
        )*
    ) => {
        $(#[$error_meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $Error {
            $($($(#[$variant_meta])* $variant $({ $($field: $type),+ })?,)+)*
            $($($(#[$also_meta])* $also_variant $({ $($also_field: $also_type),+ })?,)+)*
        }

        $(#[$code_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Code {
            $($(#[doc = $meaning])+ #[doc = concat!("\n\n`", stringify!($number), "`")] $name,)*
            /// Another number.
            Other(u32),
        }

        impl $Error {
            /// All errors, in the order of the table.
            pub const TABLE: &'static [$crate::ErrorRow] = &[
                $($($crate::ErrorRow {
                    name: stringify!($variant),
                    code: $number,
                    status: $status,
                    text: $text,
                },)+)*
                $($($crate::ErrorRow {
                    name: stringify!($also_variant),
                    code: $also_number,
                    status: $also_status,
                    text: $also_text,
                },)+)*
            ];

            /// The `error_code` of the answer.
            pub fn code(&self) -> u32 {
                match self {
                    $($(Self::$variant { .. })|+ => $number,)*
                    $($(Self::$also_variant { .. })|+ => $also_number,)*
                }
            }

            /// The HTTP status of the answer.
            pub fn status(&self) -> u16 {
                match self {
                    $($(Self::$variant { .. })|+ => $status,)*
                    $($(Self::$also_variant { .. })|+ => $also_status,)*
                }
            }
        }

        impl $Code {
            /// All codes that have a name, in the order of the table, each with what it says.
            pub const TABLE: &'static [($Code, &'static str)] =
                &[$(($Code::$name, concat!($($meaning),+)),)*];
        }

        impl ::std::fmt::Display for $Error {
            #[allow(unused_variables)] // not every text has all of its error's fields
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $($(
                        Self::$variant { $($($field),+)? } => write!(f, $text $(, $argument)*),
                    )+)*
                    $($(
                        Self::$also_variant { $($($also_field),+)? } => {
                            write!(f, $also_text $(, $also_argument)*)
                        }
                    )+)*
                }
            }
        }

        impl ::std::error::Error for $Error {}

        impl ::std::convert::From<$crate::HttpError> for $Error {
            fn from(error: $crate::HttpError) -> Self {
                use $crate::HttpError;
                match error {
                    HttpError::BadRequest { reason } => Self::BadRequest { reason },
                    HttpError::Unauthorized => Self::Unauthorized,
                    HttpError::Denied => Self::Denied,
                    HttpError::ForeignOrigin { reason } => Self::ForeignOrigin { reason },
                    HttpError::NotFound => Self::NotFound,
                    HttpError::MethodNotAllowed => Self::MethodNotAllowed,
                    HttpError::NotAcceptable => Self::NotAcceptable,
                    HttpError::BodyTimeout => Self::BodyTimeout,
                    HttpError::BodyTooLarge => Self::BodyTooLarge,
                    HttpError::UnsupportedMediaType => Self::UnsupportedMediaType,
                    HttpError::Misdirected { reason } => Self::Misdirected { reason },
                    HttpError::RateLimited { retry_after_s } => Self::RateLimited { retry_after_s },
                    HttpError::Internal => Self::Internal,
                    HttpError::Crowded => Self::Crowded,
                    HttpError::LoginUnavailable { retry_after_s } => {
                        Self::LoginUnavailable { retry_after_s }
                    }
                }
            }
        }

        impl $crate::ApiError for $Error {
            fn code(&self) -> u32 {
                $Error::code(self)
            }

            fn status(&self) -> u16 {
                $Error::status(self)
            }

            fn retry_after_s(&self) -> Option<u64> {
                $Error::retry_after_s(self)
            }
        }

        impl ::std::convert::From<u32> for $Code {
            fn from(number: u32) -> $Code {
                match number {
                    $($number => $Code::$name,)*
                    other => $Code::Other(other),
                }
            }
        }

        impl ::std::convert::From<$Code> for u32 {
            fn from(code: $Code) -> u32 {
                match code {
                    $($Code::$name => $number,)*
                    $Code::Other(other) => other,
                }
            }
        }

        /// The number.
        impl ::std::fmt::Display for $Code {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                u32::from(*self).fmt(f)
            }
        }
    };
}
