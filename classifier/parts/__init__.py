"""Jobs that outgrow one machine: a listing in parts, and the answers to each part, as Parquet files anywhere.

A part is the unit of work and of commit: its answers are one file, named from the part and the model, and depend on
nothing else. So any scheduler can hand parts out, and what was lost or done twice is done again to the same bytes. This
package needs pyarrow and fsspec: `pip install "illsort[parts]"`.
"""
