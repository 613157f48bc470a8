use super::*;
use crate::transport::config::INITIAL_MAX_DATA;
use crate::transport::tests::Recorder;
use crate::wire::frame;

fn streams() -> Streams {
    Streams::new(&TransportConfig::default(), Side::Responder)
}

/// BC-07.25
#[test]
fn a_stream_opens_those_before_it() {
    let (mut streams, mut sink) = (streams(), Recorder::default());
    let frame = frame::Stream { id: 6, offset: 0, data: b"x", fin: false, to_end: false };
    assert_eq!(streams.on_stream(&frame, &mut sink), Ok(true));
    assert_eq!(streams.len(), 4, "streams 0, 2, 4 and 6");
    assert_eq!(sink.events.len(), 4, "three opened, one readable");
}

/// BC-07.26
#[test]
fn the_control_stream_needs_no_credit_of_the_link() {
    let mut streams = streams();
    let other = streams.open(Class::Control).expect("a stream");
    streams.credit.on_sent(other, INITIAL_MAX_DATA);
    assert_eq!(streams.write(TransportStreamId::CONTROL, b"x"), Ok(1));
    assert_eq!(streams.write(other, b"x"), Ok(1));
    assert_eq!(streams.schedule.pop(Class::Control), Some(TransportStreamId::CONTROL));
    assert_eq!(streams.schedule.pop(Class::Control), None);
    streams.on_max_data(INITIAL_MAX_DATA - 1);
    assert_eq!(streams.schedule.pop(Class::Control), None, "BC-07.27: credit is not taken back");
    streams.on_max_data(INITIAL_MAX_DATA + 1);
    assert_eq!(streams.schedule.pop(Class::Control), Some(other));
}

/// BC-07.08
#[test]
fn a_changed_class_changes_the_queue() {
    let mut streams = streams();
    let id = streams.open(Class::File).expect("a stream");
    streams.write(id, b"x").expect("open");
    streams.set_class(id, Class::Chat).expect("not the control stream");
    assert_eq!(streams.schedule.pop(Class::File), None);
    assert_eq!(streams.schedule.pop(Class::Chat), Some(id));
}
