use astarte_runtime::{AstarteObject, Builder, Closed, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Route.json")]
struct Route;

#[derive(AstarteObject)]
#[astarte(interface = "ui/interfaces/org.example.Route.json")]
struct Stop {
    name: Option<String>,
    latitude: f64,
}

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), Closed> {
    let mut routes = builder.interface::<Route>();
    let _ = routes.recv_as::<Stop>().await?;
    Ok(())
}
