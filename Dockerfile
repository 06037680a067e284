# The server in a small image that holds nothing else. `docker build -t ringback .`

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked -p ringback-server && cp target/release/ringback /ringback

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/ringback ringback
COPY --from=build /ringback /usr/local/bin/ringback
USER ringback
WORKDIR /var/lib/ringback
EXPOSE 8080
ENTRYPOINT ["ringback"]
CMD ["serve"]
