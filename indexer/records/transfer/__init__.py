"""A gallery's rows as an export reads them and an import writes them."""
