"""Classes of protobuf messages from a table, for those that no package of ours brings."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def messages(package, fields):
    """Make classes of messages.

    They live in a descriptor pool of their own, so that a process may hold others of the same name.

    Args:
        package: the protobuf package, which stands before their names in error messages.
        fields: `{message: {field: (number, kind)}}`. The kind is a scalar type of protobuf ("int32", "string") or
            another message of these; `*` before it marks a repeated field.

    Returns:
        `{message: class}`.
    """
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message, members in fields.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in members.items():
            field = described.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if kind.startswith("*") else kinds.LABEL_OPTIONAL
            kind = kind.removeprefix("*")
            if kind in fields:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{message}"))
        for message in fields
    }
