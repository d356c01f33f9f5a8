use astarte_runtime::{Builder, Closed, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Route.json")]
struct Route;

struct Stop;

fn main() {}

async fn misuse(builder: &mut Builder) -> Result<(), Closed> {
    let mut routes = builder.interface::<Route>();
    let received = routes.recv_as::<Stop>().await?;
    let _: Stop = received.object;
    Ok(())
}
