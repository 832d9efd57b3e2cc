"""Editor methods: reading requests, writing notifications, and frames that are not quite right."""

from __future__ import annotations

import pytest

from codex_protocol import ide, ide_methods
from codex_protocol.errors import ProtocolError, UnknownMethodError
from codex_protocol.events import AgentMessageDeltaEvent, Event, SessionConfiguredEvent
from codex_protocol.ide import (
    AuthStatusChangeNotification,
    GetAuthStatusParams,
    IdeImageInput,
    IdeLocalImageInput,
    IdeTextInput,
    Profile,
    SandboxSettings,
    SendUserMessageParams,
    UserSavedConfig,
)
from codex_protocol.ide_methods import (
    CLIENT_METHODS,
    IdeRequest,
    event_for_listener,
    event_for_tool_call,
    parse_client_request,
    parse_notification,
    parse_server_request,
)
from codex_protocol.json_rpc import (
    JsonRpcError,
    JsonRpcNotification,
    JsonRpcRequest,
    JsonRpcResponse,
    parse_frame,
    parse_frame_line,
)
from codex_protocol.ops import ImageInput, LocalImageInput, TextInput

UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8"


def test_there_are_twenty_methods_and_two_questions():
    assert len(CLIENT_METHODS) == 20
    assert set(ide_methods.SERVER_METHODS) == {"execCommandApproval", "applyPatchApproval"}


@pytest.mark.parametrize("method", [name for name, types in CLIENT_METHODS.items() if types.params is None])
@pytest.mark.parametrize("params", [None, {}, [], "x", 0])
def test_methods_without_parameters_take_any(method, params):
    request = parse_client_request(JsonRpcRequest(id=1, method=method, params=params))
    assert request == IdeRequest(1, method, None)
    assert request.to_frame().to_wire() == {"id": 1, "jsonrpc": "2.0", "method": method}


@pytest.mark.parametrize(
    "method", [name for name, types in CLIENT_METHODS.items() if types.params is not None]
)
@pytest.mark.parametrize("params", [None, [], "x", 0])
def test_methods_with_parameters_need_an_object(method, params):
    with pytest.raises(ProtocolError) as caught:
        parse_client_request(JsonRpcRequest(id=1, method=method, params=params))
    assert not isinstance(caught.value, UnknownMethodError)


def test_an_empty_object_is_enough_where_all_is_optional():
    request = parse_client_request(JsonRpcRequest(id="a", method="getAuthStatus", params={}))
    assert request.params == GetAuthStatusParams()


@pytest.mark.parametrize("reader", [parse_client_request, parse_server_request])
def test_an_unknown_method_is_told_from_bad_parameters(reader):
    with pytest.raises(UnknownMethodError, match="unknown method `nope`"):
        reader(JsonRpcRequest(id=1, method="nope"))


def test_an_unknown_notification_is_told_too():
    with pytest.raises(UnknownMethodError, match="nope"):
        parse_notification(JsonRpcNotification(method="nope"))


def test_keys_in_snake_case_are_not_ours():
    wire = {"conversation_id": UUID, "items": []}
    with pytest.raises(ProtocolError, match="missing field `conversationId`"):
        SendUserMessageParams.from_wire(wire)


def test_input_items_have_their_content_under_data():
    items = (IdeTextInput(text="go"), IdeImageInput(image_url="u"), IdeLocalImageInput(path="/w/a.png"))
    params = SendUserMessageParams(conversation_id=UUID, items=items)
    assert params.to_json() == (
        f'{{"conversationId":"{UUID}","items":[{{"type":"text","data":{{"text":"go"}}}},'
        '{"type":"image","data":{"image_url":"u"}},{"type":"localImage","data":{"path":"/w/a.png"}}]}'
    )
    assert SendUserMessageParams.from_json(params.to_json()) == params
    assert [item.to_input_item() for item in items] == [
        TextInput(text="go"),
        ImageInput(image_url="u"),
        LocalImageInput(path="/w/a.png"),
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "text", "text": "x"},
        {"type": "local_image", "data": {"path": "x"}},
        {"data": {}},
        {"type": "text", "data": 1},
    ],
)
def test_other_input_items_are_refused(item):
    with pytest.raises(ProtocolError):
        SendUserMessageParams.from_wire({"conversationId": UUID, "items": [item]})


def test_what_a_profile_does_not_set_is_null_and_what_a_config_does_not_set_is_absent():
    config = UserSavedConfig(
        profiles={"p": Profile(model="m")}, sandbox_settings=SandboxSettings(network_access=True)
    )
    assert config.to_json() == (
        '{"sandboxSettings":{"writableRoots":[],"networkAccess":true},"profiles":{"p":{"model":"m","modelProvider":null,'
        '"approvalPolicy":null,"modelReasoningEffort":null,"modelReasoningSummary":null,"modelVerbosity":null,'
        '"chatgptBaseUrl":null}}}'
    )
    assert UserSavedConfig().to_json() == '{"profiles":{}}'


def test_signing_out_is_an_empty_notification():
    assert AuthStatusChangeNotification().to_json() == "{}"


def test_a_listener_gets_the_event_with_the_conversation_last():
    event = Event(id="6", msg=AgentMessageDeltaEvent(delta="Hel"))
    notification = event_for_listener(event, UUID)
    assert notification.to_json() == (
        '{"jsonrpc":"2.0","method":"codex/event/agent_message_delta","params":{"id":"6","msg":'
        f'{{"type":"agent_message_delta","delta":"Hel"}},"conversationId":"{UUID}"}}}}'
    )
    params = parse_notification(notification)
    assert isinstance(params, ide.EventNotificationParams)
    assert params.msg == event.msg


@pytest.mark.parametrize(
    ("request_id", "meta"), [(4, '"_meta":{"requestId":4},'), ("a", '"_meta":{"requestId":"a"},'), (None, "")]
)
def test_the_caller_of_a_tool_gets_the_event_with_its_request_first(request_id, meta):
    event = Event(id="4", msg=AgentMessageDeltaEvent(delta="x"))
    assert event_for_tool_call(event, request_id).to_json() == (
        '{"jsonrpc":"2.0","method":"codex/event","params":{'
        f'{meta}"id":"4","msg":{{"type":"agent_message_delta","delta":"x"}}}}}}'
    )


def test_replayed_messages_travel_inside_the_first_event():
    msg = SessionConfiguredEvent(
        session_id=UUID,
        model="m",
        history_log_id=0,
        history_entry_count=0,
        initial_messages=(AgentMessageDeltaEvent(delta="x"),),
        rollout_path="/r",
    )
    notification = event_for_tool_call(Event(id="", msg=msg), None)
    params = parse_notification(notification)
    assert isinstance(params, ide.EventNotificationParams)
    assert params.msg == msg


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"id":1,"method":"m"}', JsonRpcRequest),
        ('{"id":"x","method":"m","params":null}', JsonRpcRequest),
        ('{"jsonrpc":"1.0","id":-5,"method":"m"}', JsonRpcRequest),
        ('{"id":null,"method":"m"}', JsonRpcNotification),
        ('{"id":1.5,"method":"m"}', JsonRpcNotification),
        ('{"id":true,"method":"m"}', JsonRpcNotification),
        ('{"id":9223372036854775808,"method":"m"}', JsonRpcNotification),
        ('{"method":"m","result":1,"id":[]}', JsonRpcNotification),
        ('{"id":1,"result":null}', JsonRpcResponse),
        ('{"id":"1","result":{},"error":{}}', JsonRpcResponse),
        ('{"id":1,"error":{"code":-1,"message":"x"}}', JsonRpcError),
    ],
)
def test_a_frame_is_the_first_shape_that_fits(line, kind):
    assert type(parse_frame_line(line)) is kind


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"id":1}',
        '{"jsonrpc":2,"method":"m"}',
        '{"id":null,"result":1}',
        '{"error":{"code":1.5,"message":"x"},"id":1}',
        '{"id":1,"error":{"code":1}}',
    ],
)
def test_what_fits_no_shape_is_refused(line):
    with pytest.raises(ProtocolError):
        parse_frame_line(line)


def test_batches_are_refused():
    with pytest.raises(ProtocolError, match="expected an object"):
        parse_frame_line('[{"id":1,"method":"m"}]')


def test_ids_keep_their_type():
    for line in ('{"id":1,"jsonrpc":"2.0","method":"m"}', '{"id":"1","jsonrpc":"2.0","method":"m"}'):
        assert parse_frame_line(line).to_json() == line


def test_errors_are_written_with_the_error_first():
    frame = parse_frame({"id": 28, "error": {"message": "no", "code": -32600, "data": {"x": 1}}})
    assert (
        frame.to_json() == '{"error":{"code":-32600,"data":{"x":1},"message":"no"},"id":28,"jsonrpc":"2.0"}'
    )
