// Times k-space through the C++ OpenIGTLink library on loopback: both ends in this process, as for the other links.
// usage: link_cpp_peer PORT COMPONENTS MESSAGES; prints one latency in ms per line, then "rate FRAMES_PER_SECOND".
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlMessageHeader.h"
#include "igtlServerSocket.h"

using Clock = std::chrono::steady_clock;

static bool receive(igtl::Socket* socket)
{
  igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
  header->InitPack();
  if (socket->Receive(header->GetPackPointer(), header->GetPackSize()) != static_cast<int>(header->GetPackSize()))
    return false;
  header->Unpack();
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  image->SetMessageHeader(header);
  image->AllocatePack();
  socket->Receive(image->GetPackBodyPointer(), image->GetPackBodySize());
  return (image->Unpack(1) & igtl::MessageHeader::UNPACK_BODY) != 0;
}

int main(int argc, char** argv)
{
  if (argc != 4)
    return 2;
  const int port = std::atoi(argv[1]), components = std::atoi(argv[2]), messages = std::atoi(argv[3]);
  const int warm = 2;
  igtl::ServerSocket::Pointer server = igtl::ServerSocket::New();
  if (server->CreateServer(port) < 0)
    return 1;
  std::vector<Clock::time_point> sent(2 * messages + warm), received(2 * messages + warm);
  std::thread sender([&] {
    igtl::ClientSocket::Pointer client = igtl::ClientSocket::New();
    if (client->ConnectToServer("127.0.0.1", port) != 0)
      std::exit(1);
    for (int index = 0; index < 2 * messages + warm; ++index)
    {
      sent[index] = Clock::now();
      igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
      image->SetDeviceName("KSPACE_IN");
      image->SetDimensions(256, 256, 5);
      image->SetNumComponents(components);
      image->SetScalarType(igtl::ImageMessage::TYPE_FLOAT32);
      image->SetEndian(igtl::ImageMessage::ENDIAN_LITTLE);
      image->AllocateScalars();
      std::memset(image->GetScalarPointer(), 1, image->GetImageSize());
      image->Pack();
      client->Send(image->GetPackPointer(), image->GetPackSize());
      char done = 0;
      if (index < messages + warm) // one at a time, then without a pause
        client->Receive(&done, 1);
    }
    char end = 0;
    client->Receive(&end, 1);
    client->CloseSocket();
  });
  igtl::ClientSocket::Pointer peer = server->WaitForConnection(10000);
  if (peer.IsNull())
    return 1;
  char done = 1;
  for (int index = 0; index < 2 * messages + warm; ++index)
  {
    if (!receive(peer))
      return 1;
    received[index] = Clock::now();
    if (index < messages + warm)
      peer->Send(&done, 1);
  }
  peer->Send(&done, 1);
  sender.join();
  for (int index = warm; index < messages + warm; ++index)
    std::printf("%.6f\n", std::chrono::duration<double, std::milli>(received[index] - sent[index]).count());
  const std::chrono::duration<double> burst = received.back() - sent[messages + warm];
  std::printf("rate %.6f\n", messages / burst.count());
  return 0;
}
