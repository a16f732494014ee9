use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Whether this is gRPC with messages of protobuf: `application/grpc` or `application/grpc+proto`, in any case, with
/// parameters or without. gRPC-Web and messages in JSON are framed in other ways: they would be misread, and whoever sends
/// them would not see the status of an answer.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/grpc", "application/grpc+proto"].iter().any(|known| essence.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(values: &[&str]) -> bool {
        is_grpc(&values.iter().map(|value| (CONTENT_TYPE, value.parse().unwrap())).collect())
    }

    #[test]
    fn grpc_is_one_type_in_its_spellings() {
        for value in [
            "application/grpc",
            "application/grpc+proto",
            "Application/GRPC",
            "application/grpc;charset=utf-8",
            "application/grpc+proto ; proto=\"ipse.v1\"",
            " application/grpc ",
        ] {
            assert!(is_taken(&[value]), "{value}");
        }
    }

    #[test]
    fn what_only_begins_like_it_is_something_else() {
        for value in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc-web-text",
            "application/grpc-web-text+proto",
            "application/grpc+json",
            "application/grpc+thrift",
            "application/grpc+",
            "application/grpcx",
            "application/grpc, application/json",
            "application/connect+proto",
            "application/proto",
            "text/application/grpc",
            "",
            "\u{e9}",
        ] {
            assert!(!is_taken(&[value]), "{value}");
        }
        assert!(!is_taken(&[]) && !is_taken(&["application/grpc", "application/grpc"]));
    }
}
