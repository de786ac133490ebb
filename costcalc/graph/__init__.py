"""Makes and reads graphs: builder, binding, conversion, index of producers and readers, patterns."""
