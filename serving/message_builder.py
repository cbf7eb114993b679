"""Classes of protobuf messages from a table, for those that no package of ours brings."""

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_KINDS = descriptor_pb2.FieldDescriptorProto
_OF_PROTOBUF = (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)  # google.protobuf.Any, google.protobuf.Int64Value


def messages(package, fields):
    """Make classes of messages.

    They live in a descriptor pool of their own, so that a process may hold others of the same name.

    Args:
        package: the protobuf package, which stands before their names in error messages and type URLs.
        fields: `{message: {field: (number, kind)}}`, or `(number, kind, oneof)` for a field of a `oneof`. The kind is a
            scalar type of protobuf ("int32", "string"), another message or enum of these, or
            `google.protobuf.Any` and its wrappers; `*` before it marks a repeated field, and `KEY->VALUE` a map.
            `{enum: {name: number}}` is an enum. A name with dots, `Outer.Inner`, lies within another message of these.

    Returns:
        `{message: class}`, without the enums.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.extend(known.name for known in _OF_PROTOBUF)
    enums = {name for name, members in fields.items() if members and all(isinstance(m, int) for m in members.values())}
    described = {}
    for name in sorted(fields, key=lambda name: name.count(".")):  # the outer ones first
        outer, _, short = name.rpartition(".")
        if name in enums:
            enum = (described[outer] if outer else file).enum_type.add(name=short)
            for value, number in fields[name].items():
                enum.value.add(name=value, number=number)
        else:
            described[name] = (
                described[outer].nested_type.add(name=short) if outer else file.message_type.add(name=short)
            )
    for name, message in described.items():
        for field, (number, kind, *oneof) in fields[name].items():
            added = message.field.add(name=field, number=number)
            _set_kind(added, kind, message, f".{package}", name, fields, enums)
            if oneof:
                added.oneof_index = _oneof(message, *oneof)
    pool = descriptor_pool.DescriptorPool()
    for known in _OF_PROTOBUF:
        pool.AddSerializedFile(known.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in described
    }


def _set_kind(field, kind, message, package, name, fields, enums):
    """Say what a field of a message holds; a map is a list of entries, whose message lies within the field's own."""
    is_map = "->" in kind
    field.label = _KINDS.LABEL_REPEATED if is_map or kind.startswith("*") else _KINDS.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    if is_map:
        entry = message.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for number, (part, its_kind) in enumerate(zip(("key", "value"), kind.split("->"), strict=True), 1):
            _set_kind(entry.field.add(name=part, number=number), its_kind, entry, package, name, fields, enums)
        field.type, field.type_name = _KINDS.TYPE_MESSAGE, f"{package}.{name}.{entry.name}"
    elif kind in fields:
        field.type = _KINDS.TYPE_ENUM if kind in enums else _KINDS.TYPE_MESSAGE
        field.type_name = f"{package}.{kind}"
    elif kind.startswith("google.protobuf."):
        field.type, field.type_name = _KINDS.TYPE_MESSAGE, f".{kind}"
    else:
        field.type = getattr(_KINDS, f"TYPE_{kind.upper()}")


def _oneof(message, name):
    """Return the index of a `oneof` of a message, which is added where it is new."""
    names = [known.name for known in message.oneof_decl]
    if name not in names:
        message.oneof_decl.add(name=name)
        names.append(name)
    return names.index(name)
