//! Line charts as SVG.

use plotters::prelude::*;

/// Points under a name.
pub type Series = (String, Vec<(f64, f64)>);

/// A chart.
pub struct Chart {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    /// The largest x and y shown.
    pub limit: (f64, f64),
    pub series: Vec<Series>,
}

const SIZE: (u32, u32) = (760, 420);

impl Chart {
    /// Draws it.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        self.draw(&mut svg).expect("a string takes every drawing");
        svg
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(12)
            .x_label_area_size(38)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..self.limit.0, 0.0..self.limit.1)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .light_line_style(WHITE)
            .x_labels(10)
            .y_labels(8)
            .draw()?;
        for (index, (name, points)) in self.series.iter().enumerate() {
            let color = Palette99::pick(index).stroke_width(2);
            chart.draw_series(LineSeries::new(points.iter().copied(), color))?.label(name).legend(
                move |(x, y)| {
                    let color = Palette99::pick(index).stroke_width(2);
                    PathElement::new([(x, y), (x + 18, y)], color)
                },
            );
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        drop(chart);
        area.present()?;
        Ok(())
    }
}
