//! The variables that Kubernetes sets in every container for each service of its namespace, in the form of Docker's links:
//! a service called `ipse-db` has `IPSE_DB_SERVICE_HOST`, `IPSE_DB_PORT` and more. They are nobody's settings.

use std::ffi::OsStr;

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Whether a variable tells of a service. Most are known by their names alone; `…_PORT` only by a value that is an
/// address with its protocol, as an operator might write the number of a port under such a name.
pub(super) fn is_variable(name: &str, value: &OsStr) -> bool {
    is_service(name) || is_port(name) || (name.ends_with("_PORT") && is_address(value))
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT`, and `…_SERVICE_PORT_` with the name of a port.
fn is_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.split_once("_SERVICE_PORT_").is_some_and(|(_, port)| !port.is_empty())
}

/// `…_PORT_<number>_<protocol>`, alone or with `_ADDR`, `_PORT` or `_PROTO`.
fn is_port(name: &str) -> bool {
    let stem = ["_ADDR", "_PORT", "_PROTO"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let mut parts = stem.rsplitn(4, '_');
    let (protocol, number, port) = (parts.next(), parts.next(), parts.next());
    protocol.is_some_and(|protocol| PROTOCOLS.contains(&protocol))
        && number.is_some_and(|number| number.parse::<u16>().is_ok())
        && port == Some("PORT")
        && parts.next().is_some()
}

fn is_address(value: &OsStr) -> bool {
    let protocol = value.to_str().and_then(|text| text.split_once("://")).map(|(protocol, _)| protocol);
    protocol.is_some_and(|protocol| PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings;

    fn is_neighbour(name: &str, value: &str) -> bool {
        is_variable(name, value.as_ref())
    }

    /// All that Kubernetes sets for a service, whose name is already in the form of a variable.
    fn variables_of(service: &str) -> Vec<(String, String)> {
        let address = "10.96.0.7";
        let port = |number: u16, protocol: &str| {
            let name = format!("{service}_PORT_{number}_{}", protocol.to_uppercase());
            vec![
                (name.clone(), format!("{protocol}://{address}:{number}")),
                (format!("{name}_PROTO"), protocol.to_owned()),
                (format!("{name}_PORT"), number.to_string()),
                (format!("{name}_ADDR"), address.to_owned()),
            ]
        };
        let mut all = vec![
            (format!("{service}_SERVICE_HOST"), address.to_owned()),
            (format!("{service}_SERVICE_PORT"), "5432".to_owned()),
            (format!("{service}_SERVICE_PORT_TCP_POSTGRESQL"), "5432".to_owned()),
            (format!("{service}_PORT"), format!("tcp://{address}:5432")),
        ];
        for (number, protocol) in [(5432, "tcp"), (53, "udp"), (3868, "sctp")] {
            all.extend(port(number, protocol));
        }
        all
    }

    #[test]
    fn all_that_tells_of_a_service_is_a_neighbours() {
        for service in
            ["IPSE", "IPSE_GRPC", "IPSE_POSTGRESQL", "IPSE_SMTP_URL", "IPSE_SERVICE", "IPSE_PORT_1", "IPSE_7"]
        {
            for (name, value) in variables_of(service) {
                assert!(is_neighbour(&name, &value), "{name}={value}");
            }
        }
        for value in ["tcp://[fd00::7]:5432", "TCP://10.0.0.1:1", "udp://10.0.0.1:53"] {
            assert!(is_neighbour("IPSE_DB_PORT", value), "{value}");
        }
    }

    #[test]
    fn what_an_operator_might_have_meant_as_a_setting_is_not() {
        for (name, value) in [
            ("IPSE_SMTP_PORT", "587"),
            ("IPSE_PORT", "50051"),
            ("IPSE_HTTP_PORT", "http://10.0.0.1:8080"),
            ("IPSE_DB_PORT", ""),
            ("IPSE_DB_HOST", "10.0.0.1"),
            ("IPSE_SERVICE", "x"),
            ("IPSE_SERVICE_PORT_", "1"),
            ("IPSE_DB_PORT_5432", "1"),
            ("IPSE_DB_PORT_X_TCP", "1"),
            ("IPSE_DB_PORT_99999_TCP", "1"),
            ("IPSE_DB_PORT_5432_HTTP", "1"),
            ("IPSE_DB_PORT_5432_TCP_NAME", "1"),
            ("IPSE_5432_TCP_ADDR", "1"),
        ] {
            assert!(!is_neighbour(name, value), "{name}={value}");
        }
    }

    #[test]
    fn no_setting_has_a_name_that_a_service_could_take() {
        for setting in settings() {
            for name in [setting.variable(), format!("{}_FILE", setting.variable())] {
                assert!(!is_neighbour(&name, "tcp://10.0.0.1:1"), "{name}");
            }
        }
    }
}
