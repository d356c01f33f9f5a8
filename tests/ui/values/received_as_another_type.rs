use astarte_runtime::{Builder, Closed, astarte_interface};

#[astarte_interface("ui/interfaces/org.example.Settings.json", values("/%{room}/period" = Period))]
pub struct Settings;

#[derive(Clone, Debug, PartialEq)]
pub struct Period;

fn main() {}

async fn used(builder: &mut Builder) -> Result<(), Closed> {
    let mut settings = builder.interface::<Settings>();
    let _ = settings.recv().await?;
    Ok(())
}
