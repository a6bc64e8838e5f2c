#include "api/auth/vault.h"

#include <sodium.h>

#include <utility>

namespace penstock::api {
namespace {

constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

Error not_ours() {
  return Error{Errc::unavailable,
               "the value was sealed with another key than this server's, or is damaged: save it again, or restore the "
               "key file"};
}

}  // namespace

Vault::Vault(std::string key) : key_(std::move(key)) {
  ENSURE(key_.size() == crypto_secretbox_KEYBYTES);
}

std::string Vault::seal(std::string_view value) const {
  std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + value.size(), '\0');
  randombytes_buf(box.data(), crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(bytes_of(box) + crypto_secretbox_NONCEBYTES, bytes_of(value), value.size(), bytes_of(box),
                        bytes_of(key_));
  std::string text(sodium_base64_encoded_len(box.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes_of(box), box.size(), kBase64);
  text.pop_back();  // its end marker
  return text;
}

Result<std::string> Vault::open(std::string_view sealed) const {
  std::string box(sealed.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int read =
      sodium_base642bin(bytes_of(box), box.size(), sealed.data(), sealed.size(), nullptr, &size, &end, kBase64);
  constexpr std::size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (read != 0 || end != sealed.data() + sealed.size() || size < kOverhead) return tl::unexpected<Error>(not_ours());
  std::string value(size - kOverhead, '\0');
  const unsigned char* cipher = bytes_of(box) + crypto_secretbox_NONCEBYTES;
  if (crypto_secretbox_open_easy(bytes_of(value), cipher, size - crypto_secretbox_NONCEBYTES, bytes_of(box),
                                 bytes_of(key_)) != 0) {
    return tl::unexpected<Error>(not_ours());
  }
  return value;
}

}  // namespace penstock::api
