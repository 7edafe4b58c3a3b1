//! The API document as generators of clients need it: each choice of words is one named type, and no field has a default.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object};
use utoipa::openapi::{OpenApi, Ref, RefOr, Schema};

use super::operations::operations;

/// Gives each choice of words its name in the components, and drops the defaults of fields.
pub(super) fn adapt(document: &mut OpenApi) {
    let mut named = BTreeMap::new();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter
                    && let Some(schema) = &mut parameter.schema
                {
                    visit(schema, &mut named);
                }
            }
        }
    }
    let components = document.components.get_or_insert_default();
    for schema in components.schemas.values_mut() {
        if let RefOr::T(Schema::Object(choice)) = schema
            && choice.enum_values.is_some()
        {
            choice.title = None;
            continue;
        }
        visit(schema, &mut named);
    }
    components.schemas.extend(named.into_iter().map(|(name, choice)| (name, Schema::Object(choice).into())));
}

/// Replaces the choices in a schema by references to what they are named, and collects those.
fn visit(schema: &mut RefOr<Schema>, named: &mut BTreeMap<String, Object>) {
    let RefOr::T(inner) = schema else { return };
    match inner {
        Schema::Object(object) => {
            if object.enum_values.is_some()
                && let Some(name) = object.title.take()
            {
                let reference = Ref::from_schema_name(&name);
                named.insert(name, std::mem::take(object));
                *schema = reference.into();
                return;
            }
            for property in object.properties.values_mut() {
                drop_default(property);
                visit(property, named);
            }
            if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
                visit(values, named);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                visit(items, named);
            }
        }
        Schema::OneOf(choices) => choices.items.iter_mut().for_each(|choice| visit(choice, named)),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(|part| visit(part, named)),
        Schema::AnyOf(choices) => choices.items.iter_mut().for_each(|choice| visit(choice, named)),
        _ => {}
    }
}

/// A field with a default is a required one to generators for TypeScript, and `null` is not of its type to others.
fn drop_default(property: &mut RefOr<Schema>) {
    let RefOr::T(schema) = property else { return };
    let default = match schema {
        Schema::Object(object) => &mut object.default,
        Schema::Array(array) => &mut array.default,
        Schema::OneOf(choices) => &mut choices.default,
        Schema::AllOf(parts) => &mut parts.default,
        Schema::AnyOf(choices) => &mut choices.default,
        _ => return,
    };
    *default = None;
}
